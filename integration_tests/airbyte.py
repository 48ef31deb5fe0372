"""Run the connector as Airbyte does: in this process, which is fast, or as a real process."""

import json
import logging
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from airbyte_cdk.models import (
    AirbyteMessageSerializer,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalogSerializer,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest import SourceOneupPinterest
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.paths import ROOT


@dataclass
class ReadResult:
    """Records, states and errors of one `read`."""

    records: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    state: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    exception: AirbyteTracedException | None = None

    def cursors(self, stream: str) -> dict[str, str]:
        """Return the cursor of each account in the last state of a stream."""
        state = next(entry["stream"]["stream_state"] for entry in self.state if _name(entry) == stream)
        return {
            entry["partition"]["social_network_id"]: next(iter(entry["cursor"].values())) for entry in state["states"]
        }


def _name(state: Mapping[str, Any]) -> str:
    return str(state["stream"]["stream_descriptor"]["name"])


def read(config: Mapping[str, Any], state: Iterable[Mapping[str, Any]] = (), streams: Iterable[str] = ()) -> ReadResult:
    """Read all streams or some in this process, optionally with the state of an earlier read."""
    catalog = ConfiguredAirbyteCatalogSerializer.load(configured_catalog(streams))
    states = [AirbyteStateMessageSerializer.load(json.loads(json.dumps(entry))) for entry in state]
    result, last = ReadResult(), {_name(entry): dict(entry) for entry in state}
    source = SourceOneupPinterest(catalog=catalog, config=config, state=states)
    try:
        for message in source.read(logging.getLogger("airbyte"), config, catalog, states):
            add_message(AirbyteMessageSerializer.dump(message), result, last)
    except AirbyteTracedException as error:
        result.exception = error
    result.state = list(last.values())
    return result


def add_message(message: Mapping[str, Any], result: ReadResult, last: dict[str, Any]) -> None:
    """Add a message to the result of a read."""
    if message["type"] == "RECORD":
        result.records[message["record"]["stream"]].append(message["record"]["data"])
    elif message["type"] == "STATE":
        last[_name(message["state"])] = {"type": "STREAM", "stream": message["state"]["stream"]}
    elif message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
        result.errors.append(message["trace"]["error"])


def configured_catalog(streams: Iterable[str] = ()) -> dict[str, Any]:
    """Return a configured catalog of all streams or some, incremental if possible."""
    names = set(streams)
    return {"streams": [stream for stream in _configured_streams() if not names or stream["stream"]["name"] in names]}


@cache  # the streams do not depend on the config, and finding them takes half as long as a short read
def _configured_streams() -> list[dict[str, Any]]:
    config = {"api_key": "any"}
    return [
        {
            "stream": {
                "name": stream.name,
                "json_schema": stream.json_schema,
                "supported_sync_modes": [mode.value for mode in stream.supported_sync_modes],
            },
            "sync_mode": stream.supported_sync_modes[-1].value,
            "destination_sync_mode": "append_dedup",
        }
        for stream in SourceOneupPinterest(config=config).discover(logging.getLogger("airbyte"), config).streams
    ]


def start(*arguments: object, now: datetime | None = None, **environment: str) -> subprocess.Popen[str]:
    """Start `python main.py …` as a process of its own."""
    if now:
        environment[CLOCK_VARIABLE] = now.astimezone(UTC).isoformat()
    return subprocess.Popen(
        [sys.executable, "main.py", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: object, now: datetime | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python main.py …` and wait for its end."""
    process = start(*arguments, now=now, **environment)
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def messages(output: str) -> list[dict[str, Any]]:
    """Return the Airbyte messages of a stdout; fail if a line is not a message."""
    parsed = [json.loads(line) for line in output.splitlines()]
    assert all(message["type"] in MESSAGE_TYPES for message in parsed)
    return parsed


MESSAGE_TYPES = {"LOG", "SPEC", "CATALOG", "CONNECTION_STATUS", "RECORD", "STATE", "TRACE", "CONTROL", "DEBUG"}
