"""Read the input of `load`: messages that the connector printed, or rows that Airbyte's file destinations wrote."""

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.decompression import (
    MAX_LINE,
    PARQUET,
    TRUNCATED_ERRORS,
    open_input,
    read_lines,
    starts_with,
)
from oneup_pinterest.sync.destination_files import (
    YEAR_10000,
    RowParser,
    files_in,
    is_destination_row,
    milliseconds,
    parquet_rows,
    stream_in_path,
)
from oneup_pinterest.sync.events import (
    Location,
    RecordEvent,
    StateEvent,
    StreamFinishedEvent,
    WarningEvent,
    parse_failure,
)
from oneup_pinterest.sync.rejected_lines import RejectedLines, quoted_name

STANDARD_INPUT = "-"
BIG_NUMBER = re.compile(rb"[\[:,]\s*-?\d{19}")
ROUNDABLE_TYPES = {float, dict, list}  # of values in which orjson may have rounded a number
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANK = BYTE_ORDER_MARK + b" \t\r\n"
MAX_WARNINGS = 20
MESSAGE_TYPES = ("RECORD", "STATE", "TRACE", "LOG", "SPEC", "CATALOG", "CONNECTION_STATUS", "CONTROL", "DEBUG")
UNKNOWN_STREAM = "a row of an unknown stream; name it with --stream"


class ReadStartedEvent(NamedTuple):
    """A read of a stream begins."""

    stream: str
    at: int  # milliseconds since 1970, UTC


class TruncatedEvent(NamedTuple):
    """A file or a read ended too early."""

    reason: str
    drops_records: bool  # whether to drop the records after the last state


class LoadInput:
    """The input of a load, which can be read once; `rejected` has the lines that could not be read.

    Raises:
        UserError: A file does not exist or cannot be read, a folder has nothing to load, or the stream does not
            exist (exit status 2); the input is empty (1). Nothing has been read then.
    """

    def __init__(
        self, names: Sequence[str], schemas: Mapping[str, Mapping[str, Any]], stream: str | None = None
    ) -> None:
        self.rejected = RejectedLines()
        self.has_states = self.has_rows = False
        self._schemas = schemas
        self._stream = stream
        self._started: set[str] = set()  # streams of the current read
        self._unfinished: dict[str, None] = {}  # those of them that it has not finished
        self._warnings: set[str] = set()
        self._has_messages = self._has_failed = False
        known = f"the streams are {', '.join(schemas)}"
        if stream is not None and stream not in schemas:
            raise UserError(f"There is no stream {quoted_name(stream)}; {known}.", exit_status=2)
        self._does_not_exist = f"which does not exist; {known}"
        self._paths = [path for name in names for path in self._find_paths(name)]
        if all(map(_is_empty, self._paths)):
            what = "Standard input" if self._paths == [None] else " and ".join(names)
            raise UserError(f"{what} is empty. Nothing was loaded.")

    def _find_paths(self, name: str) -> list[Path | None]:
        if name == STANDARD_INPUT:
            return [None]
        path = Path(name)
        if not path.exists():
            raise UserError(f"There is no file {name} to load.", exit_status=2)
        if not path.is_dir():
            return [path]
        readable, others = files_in(path)
        if not readable:
            raise UserError(f"The folder {name} has no JSON Lines or Parquet files to load.", exit_status=2)
        for other in others:
            if other.stat().st_size:
                self.rejected.add((str(other), 1), "neither JSON Lines nor Parquet")
        return list(readable)

    def read(self, streams: Iterable[str]) -> Iterator[Any]:
        """Yield events; lines that cannot be read go to `rejected`."""
        for path in self._paths:
            with nullcontext(open_input(None)) if path is None else open_input(path) as file:
                if path is not None and starts_with(file, PARQUET):
                    yield from self._read_parquet(path)
                else:
                    yield from self._read_lines(file, path)
        yield from self._end_read()

    def _read_parquet(self, path: Path) -> Iterator[Any]:
        stream = self._stream or stream_in_path(path, self._schemas)
        parser = RowParser(self._schemas[stream]) if stream else None
        number = 0
        try:
            for number, row in enumerate(parquet_rows(path), 1):
                yield from self._destination_row(row, (str(path), number), stream, parser)
        except UserError as error:
            self.rejected.add((str(path), number + 1), str(error))

    def _read_lines(self, file: io.BufferedReader, path: Path | None) -> Iterator[Any]:
        name = "standard input" if path is None else str(path)
        stream = self._stream or (stream_in_path(path, self._schemas) if path else None)
        parser = RowParser(self._schemas[stream]) if stream else None
        self._has_messages = False
        number, line, truncated = 0, b"", ""
        try:
            for number, found in enumerate(read_lines(file), 1):
                location, line = (name, number), found or b"\n"
                if found is None:
                    self.rejected.add(location, f"longer than {MAX_LINE // 1_000_000} MB")
                    continue
                try:
                    value = orjson.loads(line.removeprefix(BYTE_ORDER_MARK))
                except orjson.JSONDecodeError:
                    if line.strip(BLANK) and line.endswith(b"\n"):
                        self.rejected.add(location, "not valid JSON")
                    elif line.strip(BLANK):
                        truncated = f"{name} ends in the middle of line {number}."
                    continue
                if record := self._parse_record(value, line, location):
                    self._has_messages = True
                    yield record
                else:
                    yield from self._parse(value, location, stream, parser)
        except TRUNCATED_ERRORS:
            truncated = f"{name} is truncated or damaged after line {number}."
        if truncated:
            yield TruncatedEvent(truncated, self._has_messages)
            self._started.clear()
            self._unfinished.clear()

    def _parse(self, value: Any, location: Location, stream: str | None, parser: RowParser | None) -> Iterator[Any]:
        if not isinstance(value, dict):
            self.rejected.add(location, "not a JSON object")
            return
        message_type = value.get("type")
        if message_type in MESSAGE_TYPES:
            self._has_messages = True
            yield from self._parse_message(message_type, value, location)
        elif is_destination_row(value):
            yield from self._destination_row(value, location, stream, parser)
        else:
            self.rejected.add(location, "neither a message of an Airbyte source nor a row of a destination")

    def _parse_record(self, value: Any, line: bytes, location: Location) -> RecordEvent | None:
        """Return the record of a complete RECORD message; None for any other message."""
        try:
            if value["type"] != "RECORD":
                return None
            record = value["record"]
            stream, data, at = record["stream"], record["data"], record["emitted_at"]
            at = at if type(at) is int and 0 < at < YEAR_10000 else milliseconds(at)
            if at is None or stream not in self._schemas:
                return None
            if not ROUNDABLE_TYPES.isdisjoint(map(type, data.values())) and BIG_NUMBER.search(line):
                data = json.loads(line)["record"]["data"]  # orjson rounds integers beyond 64 bits
            return RecordEvent(stream, data, at, location)
        except (KeyError, TypeError, AttributeError):
            return None

    def _reject_record(self, record: Any, location: Location) -> None:
        if not isinstance(record, dict) or not {"stream", "data", "emitted_at"} <= record.keys():
            reason = "a record without `stream`, `data` or `emitted_at`"
        elif record["stream"] not in list(self._schemas):
            reason = f"a record of the stream {quoted_name(record['stream'])}, {self._does_not_exist}"
        else:
            reason = f"a record of {record['stream']} whose `data` is not an object or `emitted_at` is not a time"
        self.rejected.add(location, reason)

    def _destination_row(
        self, row: Mapping[str, Any], location: Location, stream: str | None, parser: RowParser | None
    ) -> Iterator[RecordEvent]:
        if stream is None or parser is None:
            self.rejected.add(location, UNKNOWN_STREAM)
            return
        found = parser.record(row)
        if isinstance(found, str):
            self.rejected.add(location, found)
            return
        self.has_rows = True
        yield RecordEvent(stream, *found, location)

    def _parse_message(self, message_type: str, message: Mapping[str, Any], location: Location) -> Iterator[Any]:
        """Yield the events of a message that is not a record."""
        try:
            match message_type:
                case "STATE":
                    yield from self._parse_state(message["state"], message["state"].get("sourceStats") or {}, location)
                case "TRACE":
                    yield from self._parse_trace(message["trace"])
                case "LOG" if message["log"]["level"] == "WARN" and len(self._warnings) < MAX_WARNINGS:
                    text = str(message["log"]["message"])
                    if text not in self._warnings:
                        self._warnings.add(text)
                        yield WarningEvent(text)
                case "RECORD":
                    self._reject_record(message.get("record"), location)
        except (KeyError, TypeError, AttributeError):
            self.rejected.add(location, f"an incomplete message of type {message_type}")

    def _parse_state(
        self, state: Mapping[str, Any], counts: Mapping[str, Any], location: Location
    ) -> Iterator[StateEvent]:
        if state.get("type") != "STREAM":
            reason = f"a state of type {quoted_name(state.get('type'))}; only the state of a stream can be loaded"
            self.rejected.add(location, reason)
            return
        stream, blob = state["stream"]["stream_descriptor"]["name"], state["stream"].get("stream_state") or {}
        records = counts.get("recordCount")
        if stream not in self._schemas:
            self.rejected.add(location, f"a state of the stream {quoted_name(stream)}, {self._does_not_exist}")
        elif not isinstance(blob, dict):
            self.rejected.add(location, f"a state of {stream} that is not an object")
        else:
            self.has_states = True
            yield StateEvent(stream, blob, int(records) if isinstance(records, int | float) else None)

    def _parse_trace(self, trace: Mapping[str, Any]) -> Iterator[Any]:
        if trace["type"] == "ERROR":
            error = trace["error"]
            # the last error summarizes the ones before it
            if error.get("stream_descriptor") or not self._has_failed:
                self._has_failed = True
                yield parse_failure(str(error["message"]), error.get("failure_type") == "config_error")
        elif trace["type"] == "STREAM_STATUS":
            stream = trace["stream_status"]["stream_descriptor"]["name"]
            status = trace["stream_status"]["status"]
            if stream in self._schemas and status == "STARTED":
                yield from self._start_read(stream, milliseconds(trace.get("emitted_at")) or 0)
            elif stream in self._schemas and status in ("COMPLETE", "INCOMPLETE"):
                self._unfinished.pop(stream, None)
                yield StreamFinishedEvent(stream)

    def _start_read(self, stream: str, at: int) -> Iterator[Any]:
        if stream in self._started:  # another read
            yield from self._end_read()
        self._started.add(stream)
        self._unfinished[stream] = None
        yield ReadStartedEvent(stream, at)

    def _end_read(self) -> Iterator[TruncatedEvent]:
        """End a read, at the end of the input or at the start of the next read."""
        if self._unfinished:
            yield TruncatedEvent(f"A read ended before it finished {', '.join(self._unfinished)}.", True)
        self._started.clear()
        self._unfinished.clear()
        self._has_failed = False


def _is_empty(path: Path | None) -> bool:
    """Return whether the input is empty; False for a named pipe, which can only be opened once."""
    if path is None:
        return not open_input(None).peek(1)
    if not path.is_file():
        return False
    open_input(path).close()
    return path.stat().st_size == 0
