"""Read and sync a sandbox on two days: the output of `main.py read`, and the database of `sync`."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from integration_tests import airbyte
from integration_tests.in_process import run_command
from oneup_pinterest.sandbox import Sandbox
from test_support.clock import NOON


@dataclass
class Day:
    """The output of a read, its last state, and a database synced up to this day."""

    now: datetime
    text: str
    state: list[dict[str, Any]]
    synced: Path

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines(keepends=True)


def read_and_sync_days(folder: Path, days: int = 2) -> Iterator[Day]:
    """Yield the days; the extraction times are those of the sandbox's clock, as in a sync."""
    config, catalog, state = folder / "config.json", folder / "catalog.json", folder / "state.json"
    state.write_text("[]")
    with Sandbox(accounts=3, now=NOON) as sandbox:
        config.write_text(json.dumps(sandbox.config()))
        catalog.write_text(json.dumps(airbyte.configured_catalog()))
        database = folder / "synced.duckdb"
        for number in range(days):
            sandbox.now = NOON + timedelta(days=number)
            ended = airbyte.run("read", "--config", config, "--catalog", catalog, "--state", state, now=sandbox.now)
            assert ended.returncode == 0, ended.stderr
            text = with_extraction_times(sandbox.now, ended.stdout)
            states = last_states(airbyte.messages(text))
            state.write_text(json.dumps(states))
            ended = run_command("sync", "--config", config, "--database", database, now=sandbox.now)
            assert ended.returncode == 0, ended.stderr
            copy = folder / f"day{number}.duckdb"
            shutil.copy(database, copy)
            yield Day(sandbox.now, text, states, copy)


def with_extraction_times(now: datetime, text: str) -> str:
    """Return the same messages, with each extraction time a millisecond after the previous one."""
    start = int(now.astimezone(UTC).timestamp() * 1000)
    return "".join(_line(start + number, json.loads(line)) for number, line in enumerate(text.splitlines()))


def _line(milliseconds: int, message: dict[str, Any]) -> str:
    for part in ("record", "trace"):
        if part in message:
            message[part]["emitted_at"] = milliseconds
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"


def last_states(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the newest state of each stream, as the list that `read --state` takes."""
    states = [message["state"] for message in messages if message["type"] == "STATE"]
    newest = {state["stream"]["stream_descriptor"]["name"]: state for state in states}
    return [{"type": "STREAM", "stream": state["stream"]} for _, state in sorted(newest.items())]
