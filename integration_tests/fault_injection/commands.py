"""Run every command, at every log level and killed in the middle, and search what it writes for the key."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from integration_tests.airbyte import configured_catalog
from integration_tests.fault_injection.fault_classes import KEY_BODY, KEY_HEADERS, KEY_HTML, KEY_TEXT
from integration_tests.fault_injection.faulty_syncs import Testbed, testbed
from integration_tests.fault_injection.key_search import KEY, Search, command_line, open_files, spellings
from oneup_pinterest.notebooks import DATABASE_VARIABLE
from oneup_pinterest.sandbox import Fault
from test_support.paths import ROOT

DEBUG_LOGGING = {"LOG_LEVEL": "debug"}  # as the Airbyte platform sets it


def search_commands(folder: Path, search: Search) -> list[str]:
    """Run each command while OneUp repeats the key in every way; return the broken promises."""
    with testbed(folder, search) as here:
        config = here.config()
        catalog = folder / "catalog.json"
        catalog.write_text(json.dumps(configured_catalog()))
        with_catalog = ("--config", config, "--catalog", catalog)
        verbs = [("spec",), ("discover", "--config", config), ("check", "--config", config), ("read", *with_catalog)]
        for echo in (_inject_nothing, _inject_refusals, _inject_links):
            for verb, *options in verbs:
                for debug in ((), ("--debug",)):
                    echo(here)
                    here.run(" ".join(["main.py", verb, *debug]), "main.py", verb, *debug, *options)
            echo(here)
            here.run("main.py read, LOG_LEVEL=debug", "main.py", "read", *with_catalog, environment=DEBUG_LOGGING)
            echo(here)
            here.expect(here.sync(), 0, 3)
        here.sandbox.reset_faults()
        _kill_sync(here)
        _read_the_database(here)
        _run_notebook(here)
        here.search_files()
        if not (folder / "report.html").exists() or not any((folder / "export").rglob("*.parquet")):
            here.problems.append("no report or no export was written, so it could not be searched")
    return [f"commands: {problem}" for problem in here.problems]


def run_beside_sync(here: Testbed, environment: Mapping[str, str]) -> None:
    """Run `check`, `read` and `status` while a fault lasts, with debug logging, and search their output.

    Report, export and notebooks show only rows of the database, whose values are searched anyway.
    """
    config = here.config()
    catalog = here.folder / "catalog.json"
    catalog.write_text(json.dumps(configured_catalog()))
    for verb, *options in (("check",), ("read", "--catalog", catalog)):
        command = ["main.py", verb, "--debug", "--config", config, *options]
        here.run(f"main.py {verb} --debug", *command, environment=environment)
    here.run("oneup-pinterest status", "-m", "oneup_pinterest.cli", "status", "--database", here.database)


def _read_the_database(here: Testbed) -> None:
    for arguments in (
        ("status",),
        ("status", "--json"),
        ("report", "--output", here.folder / "report.html"),
        ("export", "--output", here.folder / "export"),
    ):
        command = ["-m", "oneup_pinterest.cli", *arguments, "--database", here.database]
        here.run(" ".join(["oneup-pinterest", *map(str, arguments[:2])]).removesuffix(" --output"), *command)


def _inject_nothing(here: Testbed) -> None:
    here.sandbox.reset_faults()


def _inject_refusals(here: Testbed) -> None:
    """Refuse one account and fail for the other, with the key in bodies and headers."""
    here.sandbox.reset_faults()
    one, other = here.sandbox.account_ids
    refused = Fault("status", status=404, body=KEY_BODY, headers=KEY_HEADERS, social_network_id=one, times=None)
    broken = Fault(
        "status", status=500, body=KEY_HTML, headers=KEY_HEADERS, social_network_id=other, path="overview", times=4
    )
    for fault in (refused, broken):
        here.sandbox.inject(fault)


def _inject_links(here: Testbed) -> None:
    """Inject links that hold the key as a URL parameter, in every spelling."""
    here.sandbox.reset_faults()
    links = [f"https://example.com/?apiKey={spelling}" for spelling in spellings(KEY)]

    def edit(response: dict[str, object]) -> None:
        response["links"] = {"next": links, "said": KEY_TEXT}
        data = response["data"]
        for number, pin in enumerate(data["posts"] if isinstance(data, dict) else ()):
            pin["media_url"] = links[number % len(links)]

    here.sandbox.inject(Fault("edit", path="posts", edit=edit, times=None))


def _kill_sync(here: Testbed) -> None:
    """Kill a sync in the middle; search its command line, its open files and what it leaves."""
    here.sandbox.latency = 0.3
    requests_before = len(here.sandbox.requests)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "oneup_pinterest.cli",
            "sync",
            "--full-refresh",
            "--config",
            str(here.config()),
            "--database",
            str(here.database),
        ],
        cwd=ROOT,
        env=here.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 60
    while len(here.sandbox.requests) < requests_before + 4 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    held = open_files(process.pid)
    found = here.search.scan("process list", command_line(process.pid)) + here.search.scan("open files", *held)
    process.kill()
    written, _ = process.communicate()
    found += here.search.scan("sync, killed", written)
    here.sandbox.latency = 0.0
    if found or not held:
        here.problems.append(
            "the key is in the open files or the output of a killed sync" if found else "no open file was searched"
        )
    here.search_files()
    here.expect(here.sync(), 0)


def _run_notebook(here: Testbed) -> None:
    """Execute one notebook on the database and search it."""
    notebook = nbformat.read(ROOT / "notebooks" / "01_account_overview.ipynb", as_version=4)
    environment = {**here.environment(), DATABASE_VARIABLE: str(here.database)}
    NotebookClient(notebook, timeout=600).execute(env=environment, cwd=str(here.folder))
    (here.folder / "notebook.ipynb").write_text(nbformat.writes(notebook))
    here.search.scan("a notebook, executed", nbformat.writes(notebook).encode())
