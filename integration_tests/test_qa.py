"""Offline copies of the checks of Airbyte's QA that apply to this source.

The originals are in `airbyte-ops local connector qa` (package airbyte-internal-ops). Checks that need DockerHub, a
registry or the web are left out, and so are those of Poetry: requirements.lock locks this project, with hashes.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from source_oneup_pinterest import SourceOneupPinterest
from source_oneup_pinterest.export import export
from test_support.paths import ROOT

PAGE = (ROOT / "docs" / "connector.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def metadata(folder: Path = ROOT) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8")))


def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "source_oneup_pinterest" / "manifest.yaml").read_text(encoding="utf-8")))


def section(title: str) -> list[str]:
    """Return the text below each heading of that name, up to the next heading."""
    return re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="airbyte-connector-models does not support Python 3.13")
@pytest.mark.parametrize("form", ["package", "manifest-only"])
def test_the_metadata_is_valid_for_airbytes_model(form: str, tmp_path: Path) -> None:
    from airbyte_connector_models.metadata.v0.connector_metadata_definition_v0 import ConnectorMetadataDefinitionV0

    export(tmp_path)
    ConnectorMetadataDefinitionV0.model_validate(metadata(ROOT if form == "package" else tmp_path))


def test_tags_and_base_image_fit_each_form_of_the_connector(tmp_path: Path) -> None:
    export(tmp_path)
    ours, exported = metadata()["data"], metadata(tmp_path)["data"]

    assert ours["tags"] == ["language:python", "cdk:low-code"]
    assert re.fullmatch(
        r"docker\.io/airbyte/python-connector-base:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}",
        ours["connectorBuildOptions"]["baseImage"],
    )
    assert exported["tags"] == ["language:manifest-only", "cdk:low-code"]
    # the image's CDK must not be older than the manifest
    assert exported["connectorBuildOptions"]["baseImage"] == (
        f"docker.io/airbyte/source-declarative-manifest:{manifest()['version']}"
    )
    differing = {key for key in ours if ours[key] != exported[key]}
    assert differing == {"tags", "connectorBuildOptions"}


def test_there_is_neither_a_dockerfile_nor_a_setup_py() -> None:
    assert [name for name in ("Dockerfile", "setup.py") if (ROOT / name).exists()] == []


def test_version_and_license_are_the_same_everywhere() -> None:
    data = metadata()["data"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", data["dockerImageTag"])
    assert data["dockerImageTag"] == PROJECT["version"]
    assert data["license"].upper() in ("MIT", "ELV2")
    assert data["license"] == PROJECT["license"]
    assert f"\n## {PROJECT['version']} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    [changelog] = section("Changelog")
    assert "<details>\n  <summary>Expand to review</summary>\n" in changelog
    assert re.search(rf"^\| {re.escape(PROJECT['version'])} +\|", changelog, re.MULTILINE)


def test_the_docs_name_the_tested_version_base_image_and_clients() -> None:
    page = (ROOT / "docs" / "add-to-airbyte.md").read_text(encoding="utf-8")
    dockerfile = (ROOT / "docs" / "recipes" / "Dockerfile").read_text(encoding="utf-8")
    data, makefile = metadata()["data"], (ROOT / "Makefile").read_text(encoding="utf-8")

    tags = re.findall(r"source-oneup-pinterest:(\d[\d.]*)|tag `?(\d[\d.]*)", page + dockerfile)
    assert {version for found in tags for version in found if version} == {data["dockerImageTag"]}
    assert f"io.airbyte.version={data['dockerImageTag']}" in dockerfile
    images = set(re.findall("^FROM ([^ \n]+)", dockerfile, re.MULTILINE))
    assert images == {data["connectorBuildOptions"]["baseImage"]}
    orchestrators = (ROOT / "docs" / "orchestrators.md").read_text(encoding="utf-8")
    clients = dict(re.findall(r"^([A-Z_]+) := ([\d.]+)$", makefile, re.MULTILINE))
    assert set(re.findall(r"install airbyte==([\d.]+)", page)) == {clients["PYAIRBYTE"]}
    assert f"`airbyte-api` {clients['AIRBYTE_API']}" in page
    for name in ("Dagster", "Prefect", "Airflow"):
        assert f"{name.lower()}=={clients[name.upper()]}" in orchestrators
        assert f"{name} {clients[name.upper()]}" in orchestrators


def test_publishing_to_pypi_is_declared() -> None:
    assert isinstance(metadata()["data"]["remoteRegistries"]["pypi"]["enabled"], bool)


def test_the_manifest_and_the_package_require_the_same_cdk() -> None:
    assert f"airbyte-cdk>={manifest()['version']},<8" in PROJECT["dependencies"]


def test_allowed_hosts_are_those_of_the_manifest() -> None:
    requested = {
        re.search(r"https://([^/']+)", requester["url"]).group(1)  # type: ignore[union-attr]
        for name, requester in manifest()["definitions"].items()
        if name.endswith("_requester")
    }
    assert set(metadata()["data"]["allowedHosts"]["hosts"]) == requested


def test_suggested_streams_exist() -> None:
    streams = [reference["$ref"].rsplit("/", 1)[-1] for reference in manifest()["streams"]]
    assert set(metadata()["data"]["suggestedStreams"]["streams"]) <= set(streams)


def test_the_icon_is_a_square_svg_of_our_own() -> None:
    icon = ElementTree.parse(ROOT / metadata()["data"]["icon"]).getroot()
    assert icon.tag == "{http://www.w3.org/2000/svg}svg"
    assert icon.get("width") == icon.get("height")
    left, top, width, height = (icon.get("viewBox") or "").split()
    assert (left, top, width) == ("0", "0", height)


def test_only_https_addresses_are_used() -> None:
    lines = [
        (path.name, line.strip())
        for folder in ("source_oneup_pinterest", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".md")
        for line in path.read_text(encoding="utf-8").lower().splitlines()
        if "http://" in re.sub(r"http://(json-schema\.org|localhost)", "", line)
    ]
    assert [line for line in lines if "# ignore-https-check" not in line[1]] == []


def test_the_acceptance_config_is_current_and_its_files_exist() -> None:
    config = yaml.safe_load((ROOT / "acceptance-test-config.yml").read_text(encoding="utf-8"))
    assert set(config) == {"connector_image", "test_strictness_level", "acceptance_tests"}
    assert config["connector_image"] == f"{metadata()['data']['dockerRepository']}:dev"
    entries = [entry for suite in config["acceptance_tests"].values() for entry in suite["tests"]]
    assert {key for entry in entries for key in entry} <= {"config_path", "status"}
    committed = {entry["config_path"] for entry in entries} - {"secrets/config.json"}
    assert [path for path in committed if not (ROOT / path).exists()] == []


def test_the_docs_page_has_airbytes_headings_in_order() -> None:
    name = metadata()["data"]["name"]
    expected = [
        f"# {name}",
        "## Prerequisites",
        "## Setup guide",
        f"## Set up {name}",
        "### For Airbyte Cloud:",
        "### For Airbyte Open Source:",
        f"## Set up the {name} connector in Airbyte",
        "### For Airbyte Cloud:",
        "### For Airbyte Open Source:",
        "## Supported sync modes",
        "## Supported Streams",
        "## IP allow list",
        "### Performance considerations",
        "## Data type map",
        "## Limitations & Troubleshooting",
        "## Changelog",
    ]
    found = [line for line in PAGE.splitlines() if line in expected]
    assert found == expected
    # a connector may have other headings of these levels only
    own = [line for line in PAGE.splitlines() if re.match("#+ ", line) and line not in expected]
    assert [heading for heading in own if not heading.startswith(("### ", "## Config"))] == []
    assert PAGE.startswith(
        f"# {name}\n\n<HideInUI>\n\nThis page contains the setup guide and reference information for "
    )


def test_the_docs_page_has_airbytes_standard_texts() -> None:
    name = metadata()["data"]["name"]
    assert section("For Airbyte Cloud:")[1].startswith(
        "\n1. [Log into your Airbyte Cloud](https://cloud.airbyte.com/workspaces) account.\n"
        "2. Click Sources and then click + New source.\n"
        f"3. On the Set up the source page, select {name} from the Source type dropdown.\n"
        f"4. Enter a name for the {name} connector.\n"
    )
    assert section("For Airbyte Open Source:")[1].startswith("\n1. Navigate to the Airbyte Open Source dashboard.\n")
    [modes] = section("Supported sync modes")
    assert modes.startswith(
        f"\nThe {name} source connector supports the following "
        "[sync modes](https://docs.airbyte.com/cloud/core-concepts/#connection-sync-modes):\n"
    )


def test_prerequisites_name_every_required_field() -> None:
    specification = manifest()["spec"]["connection_specification"]
    [prerequisites] = section("Prerequisites")
    titles = [specification["properties"][key]["title"] for key in specification["required"]]
    assert [title for title in titles if title.lower() not in prerequisites.lower()] == []


def test_every_field_of_the_form_has_a_title_a_description_and_a_default() -> None:
    specification = SourceOneupPinterest().spec(None).connectionSpecification  # type: ignore[arg-type]
    fields = specification["properties"]
    groups = [group["id"] for group in specification["groups"]]
    assert [field["order"] for field in fields.values()] == list(range(len(fields)))
    positions = [groups.index(field["group"]) for field in fields.values()]
    assert positions == sorted(positions)
    for key, field in fields.items():
        assert field["title"], key
        assert field["description"].endswith("."), key
        assert {"default", "examples", "airbyte_secret"} & set(field), key
        if "pattern" in field:
            assert field["pattern_descriptor"]
            assert all(re.fullmatch(field["pattern"], example) for example in field["examples"])
    assert "api-access" in fields["api_key"]["description"]
