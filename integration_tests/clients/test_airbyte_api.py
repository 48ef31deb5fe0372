"""The examples for Airbyte's API and Terraform: the requests are those of Airbyte's own client for the API."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import jsonschema
import pytest

from integration_tests.airbyte import configured_catalog
from source_oneup_pinterest import SourceOneupPinterest
from test_support.paths import ROOT

PYTHON = ROOT / ".venv-clients" / "airbyte-api" / "bin" / "python"
RECIPES = ROOT / "docs" / "recipes"
WORKSPACE, DESTINATION, DEFINITION, SOURCE, CONNECTION = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(5))
API = "/api/public/v1"
pytestmark = pytest.mark.clients

# Airbyte's client parses each body into its models and sends what it understood of it
CLIENT = """
import json, sys
from airbyte_api import AirbyteAPI, api, models
url, definition, source, connection = sys.argv[1], *map(json.loads, sys.argv[2:])
client = AirbyteAPI(server_url=url, security=models.Security(bearer_auth="token"))
client.source_definitions.create_source_definition(request=api.CreateSourceDefinitionRequest(
    workspace_id=source["workspaceId"],
    create_definition_request=models.CreateDefinitionRequest.model_validate(definition),
))
client.sources.create_source(request=models.SourceCreateRequest.model_validate(source))
client.connections.create_connection(request=models.ConnectionCreateRequest.model_validate(connection))
"""


class Request(NamedTuple):
    """A request that the server got."""

    path: str
    authorization: str | None
    body: dict[str, Any]


class Server(ThreadingHTTPServer):
    """Records each request and answers as Airbyte's API is documented to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Request] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers a POST with what the body said and the id of what was created."""

    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(Request(self.path, self.headers["Authorization"], body))
        known = {"workspaceId": WORKSPACE, "createdAt": 1, "sourceType": "custom", "status": "active", "tags": []}
        ids = {"id": DEFINITION, "sourceId": SOURCE, "connectionId": CONNECTION, "access_token": "token"}
        content = json.dumps({**known, **body, **ids}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def requests(server: Server) -> list[Request]:
    """Return the requests of the script, in order."""
    return run_script(server)


def run_script(server: Server, **environment: str) -> list[Request]:
    server.requests.clear()
    ended = subprocess.run(
        ["bash", RECIPES / "airbyte_api.sh"],
        env={
            "PATH": os.environ["PATH"],
            "AIRBYTE_URL": server.url,
            "AIRBYTE_CLIENT_ID": "client",
            "AIRBYTE_CLIENT_SECRET": "secret",
            "AIRBYTE_WORKSPACE_ID": WORKSPACE,
            "AIRBYTE_DESTINATION_ID": DESTINATION,
            "ONEUP_API_KEY": "a-key",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{CONNECTION}\n" * int(environment.get("SHARDS", 1))
    return list(server.requests)


def streams_of(connection: dict[str, Any]) -> dict[str, str]:
    return {stream["name"]: stream["syncMode"] for stream in connection["configurations"]["streams"]}


def expected_modes() -> dict[str, str]:
    modes = {"incremental": "incremental_deduped_history", "full_refresh": "full_refresh_overwrite"}
    return {stream["stream"]["name"]: modes[stream["sync_mode"]] for stream in configured_catalog()["streams"]}


def test_the_script_logs_in_and_creates_definition_source_and_connection(requests: list[Request]) -> None:
    token, definition, source, connection = requests

    assert token.path == f"{API}/applications/token"
    assert token.body == {"client_id": "client", "client_secret": "secret", "grant-type": "client_credentials"}
    assert [request.authorization for request in requests] == [None, *["Bearer token"] * 3]
    image = f"{definition.body['dockerRepository']}:{definition.body['dockerImageTag']}"
    assert image in (ROOT / "docs" / "recipes" / "Dockerfile").read_text(encoding="utf-8")
    assert source.body["definitionId"] == DEFINITION
    assert (connection.body["sourceId"], connection.body["destinationId"]) == (SOURCE, DESTINATION)
    assert streams_of(connection.body) == expected_modes()


@pytest.mark.parametrize("shards", [1, 3])
def test_the_configuration_of_each_source_is_valid(server: Server, shards: int) -> None:
    specification = SourceOneupPinterest().spec(None).connectionSpecification  # type: ignore[arg-type]

    configurations = [request.body["configuration"] for request in run_script(server, SHARDS=str(shards))[2::2]]

    assert [each["shard"] for each in configurations] == [f"{number}/{shards}" for number in range(1, shards + 1)]
    assert {each["max_requests_per_minute"] for each in configurations} == {120 // shards}
    for configuration in configurations:
        jsonschema.validate(configuration, specification)
        assert SourceOneupPinterest(config=configuration).api_key == "a-key"


def test_each_shard_has_a_connection_and_a_namespace_of_its_own(server: Server) -> None:
    connections = [request.body for request in run_script(server, SHARDS="3")[3::2]]

    assert [each["name"] for each in connections] == [f"OneUp Pinterest {number}/3, daily" for number in (1, 2, 3)]
    assert [each["namespaceFormat"] for each in connections] == [f"oneup_pinterest_{number}" for number in (1, 2, 3)]
    assert {each["namespaceDefinition"] for each in connections} == {"custom_format"}
    assert all(streams_of(each) == expected_modes() for each in connections)


@pytest.mark.skipif(not PYTHON.exists(), reason="Airbyte's client is not installed: make test-clients installs it")
@pytest.mark.parametrize("shards", ["1", "2"])
def test_airbytes_client_sends_the_same_requests(server: Server, shards: str) -> None:
    requests = run_script(server, SHARDS=shards)[:4]  # up to the first connection
    server.requests.clear()
    bodies = [json.dumps(request.body) for request in requests[1:]]

    ended = subprocess.run(
        [PYTHON, "-c", CLIENT, f"{server.url}{API}", *bodies], capture_output=True, text=True, timeout=120, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    for ours, theirs in zip(requests[1:], server.requests, strict=True):
        assert theirs.path == ours.path
        # of a configuration the client knows only connectors of the catalog, and it adds its defaults
        compared = [key for key in ours.body if key != "configuration"]
        assert {key: theirs.body.get(key) for key in compared} == {key: ours.body[key] for key in compared}


def test_terraform_creates_the_same_connection() -> None:
    text = (RECIPES / "airbyte.tf").read_text(encoding="utf-8")
    modes = dict(re.findall(r'\{ name = "(\w+)", sync_mode = "(\w+)" \}', text))
    version = re.search(r'docker_image_tag  = "(.+)"', text).group(1)  # type: ignore[union-attr]

    assert modes == expected_modes()
    assert f"source-oneup-pinterest:{version}" in (RECIPES / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"^    (\w+) +=", text, re.MULTILINE)) - {"source", "airbyte", "streams"} == {
        "api_key",
        "shard",
        "max_requests_per_minute",
        "timezone",
    }
    for cron in re.findall(r'"(0 0 4 .+?)"', text):
        assert cron in (RECIPES / "airbyte_api.sh").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_parses_and_formats_the_example() -> None:
    ended = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", RECIPES / "airbyte.tf"], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "")
