"""All commands, at every log level and killed in the middle, searched for the key in whatever they write."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from integration_tests.airbyte import configured_catalog
from integration_tests.fault_injection.disturbed import Place, place
from integration_tests.fault_injection.fault_classes import ECHO, ECHOES, HTML, SAYS
from integration_tests.fault_injection.key_search import KEY, Search, command_line, open_files, spellings
from oneup_pinterest.notebooks import DATABASE_VARIABLE
from oneup_pinterest.sandbox import Fault
from test_support.paths import ROOT

LOUD = {"LOG_LEVEL": "debug"}  # how the platform asks for more words


def search_commands(folder: Path, search: Search) -> list[str]:
    """Run each command while OneUp repeats the key in every way; return the broken promises."""
    with place(folder, search) as here:
        config = here.config()
        catalog = folder / "catalog.json"
        catalog.write_text(json.dumps(configured_catalog(json.loads(config.read_text()))))
        with_catalog = ("--config", config, "--catalog", catalog)
        verbs = [("spec",), ("discover", "--config", config), ("check", "--config", config), ("read", *with_catalog)]
        for echo in (_nothing, _refusals, _links):
            for verb, *options in verbs:
                for debug in ((), ("--debug",)):
                    echo(here)
                    here.run(" ".join(["main.py", verb, *debug]), "main.py", verb, *debug, *options)
            echo(here)
            here.run("main.py read, LOG_LEVEL=debug", "main.py", "read", *with_catalog, environment=LOUD)
            echo(here)
            here.expect(here.sync(), 0, 3)
        here.sandbox.reset_faults()
        _killed(here)
        _read_the_database(here)
        _notebook(here)
        here.search_files()
        if not (folder / "report.html").exists() or not any((folder / "export").rglob("*.parquet")):
            here.problems.append("there is no report or no export that could be searched")
    return [f"commands: {problem}" for problem in here.problems]


def run_beside_sync(here: Place, environment: Mapping[str, str]) -> None:
    """What else asks OneUp, at its loudest, while a fault lasts, and what tells of the syncs that met it.

    Report, export and notebooks show the rows alone, and each value of the database is searched besides.
    """
    config = here.config()
    catalog = here.folder / "catalog.json"
    catalog.write_text(json.dumps(configured_catalog(json.loads(config.read_text()))))
    for verb, *options in (("check",), ("read", "--catalog", catalog)):
        command = ["main.py", verb, "--debug", "--config", config, *options]
        here.run(f"main.py {verb} --debug", *command, environment=environment)
    here.run("oneup-pinterest status", "-m", "oneup_pinterest.cli", "status", "--database", here.database)


def _read_the_database(here: Place) -> None:
    for arguments in (
        ("status",),
        ("status", "--json"),
        ("report", "--output", here.folder / "report.html"),
        ("export", "--output", here.folder / "export"),
    ):
        command = ["-m", "oneup_pinterest.cli", *arguments, "--database", here.database]
        here.run(" ".join(["oneup-pinterest", *map(str, arguments[:2])]).removesuffix(" --output"), *command)


def _nothing(here: Place) -> None:
    here.sandbox.reset_faults()


def _refusals(here: Place) -> None:
    """One account is refused with the key in body and headers, the other's server fails with it."""
    here.sandbox.reset_faults()
    one, other = here.sandbox.account_ids
    no = Fault("status", status=404, body=SAYS, headers=ECHOES, social_network_id=one, times=None)
    broken = Fault("status", status=500, body=HTML, headers=ECHOES, social_network_id=other, path="overview", times=4)
    for fault in (no, broken):
        here.sandbox.inject(fault)


def _links(here: Place) -> None:
    """The key comes back as what it is in every address: the value of a parameter."""
    here.sandbox.reset_faults()
    links = [f"https://example.com/?apiKey={spelling}" for spelling in spellings(KEY)]

    def edit(answer: dict[str, object]) -> None:
        answer["links"] = {"next": links, "said": ECHO}
        data = answer["data"]
        for number, pin in enumerate(data["posts"] if isinstance(data, dict) else ()):
            pin["media_url"] = links[number % len(links)]

    here.sandbox.inject(Fault("edit", path="posts", edit=edit, times=None))


def _killed(here: Place) -> None:
    """A sync that is killed in the middle: its command line, the files that it holds open, what it leaves."""
    here.sandbox.latency = 0.3
    asked = len(here.sandbox.requests)
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
    ends = time.monotonic() + 60
    while len(here.sandbox.requests) < asked + 4 and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.01)
    held = open_files(process.pid)
    found = here.search.of("process list", command_line(process.pid)) + here.search.of("open files", *held)
    process.kill()
    written, _ = process.communicate()
    found += here.search.of("sync, killed", written)
    here.sandbox.latency = 0.0
    if found or not held:
        here.problems.append("the key is in what a killed sync held or said" if found else "no open file was searched")
    here.search_files()
    here.expect(here.sync(), 0)


def _notebook(here: Place) -> None:
    """One notebook, executed on the database."""
    notebook = nbformat.read(ROOT / "notebooks" / "01_account_overview.ipynb", as_version=4)
    environment = {**here.environment(), DATABASE_VARIABLE: str(here.database)}
    NotebookClient(notebook, timeout=600).execute(env=environment, cwd=str(here.folder))
    (here.folder / "notebook.ipynb").write_text(nbformat.writes(notebook))
    here.search.of("a notebook, executed", nbformat.writes(notebook).encode())
