"""What `load` reads: messages that the connector printed, and rows that Airbyte's file destinations wrote."""

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.destination_files import (
    YEAR_10000,
    Shape,
    files_in,
    is_row,
    milliseconds,
    parquet_rows,
    stream_in,
)
from oneup_pinterest.sync.events import Place, Row, State, StreamFinished, WarningEvent, failure
from oneup_pinterest.sync.refused import Refused, quoted_name
from oneup_pinterest.sync.unpacking import CUT, PARQUET, begins_with, lines_of, open_packed

STANDARD_INPUT = "-"
BIG_NUMBER = re.compile(rb"[\[:,]\s*-?\d{19}")
NOT_PLAIN = {float, dict, list}  # types of values in which a number may have been rounded
MARK = b"\xef\xbb\xbf"  # of UTF-8
BLANK = MARK + b" \t\r\n"
MAX_WARNINGS = 20
MESSAGES = ("RECORD", "STATE", "TRACE", "LOG", "SPEC", "CATALOG", "CONNECTION_STATUS", "CONTROL", "DEBUG")
WITHOUT_STREAM = "a row of a stream that neither its path nor --stream names"


class Started(NamedTuple):
    """A read of a stream begins."""

    stream: str
    at: int  # ms since 1970, UTC


class Cut(NamedTuple):
    """A file or a read ended too early; whether what no state vouches for is to be left out."""

    how: str
    leaves_out: bool


class Incoming:
    """An input, ready to be read once; `refused` has what could not be taken.

    Raises:
        UserError: a file does not exist or cannot be read, a folder holds nothing to load, or the stream does not
            exist (exit status 2); the input is empty (1). Nothing was read then.
    """

    def __init__(
        self, names: Sequence[str], schemas: Mapping[str, Mapping[str, Any]], stream: str | None = None
    ) -> None:
        self.refused = Refused()
        self.has_states = self.has_rows = False
        self._schemas = schemas
        self._stream = stream
        self._begun: set[str] = set()  # streams of the read that the messages are from
        self._open: dict[str, None] = {}  # those of them that it is not done with
        self._warned: set[str] = set()
        self._has_messages = self._has_failed = False
        there_are = f"there are {', '.join(schemas)}"
        if stream is not None and stream not in schemas:
            raise UserError(f"There is no stream {quoted_name(stream)}; {there_are}.", exit_status=2)
        self._unknown = f"which does not exist ({there_are})"
        self._paths = [path for name in names for path in self._paths_of(name)]
        if all(map(_is_empty, self._paths)):
            what = "Standard input" if self._paths == [None] else " and ".join(names)
            raise UserError(f"{what} is empty: nothing was loaded.")

    def _paths_of(self, name: str) -> list[Path | None]:
        if name == STANDARD_INPUT:
            return [None]
        path = Path(name)
        if not path.exists():
            raise UserError(f"There is no file {name} to load.", exit_status=2)
        if not path.is_dir():
            return [path]
        readable, others = files_in(path)
        if not readable:
            raise UserError(f"The folder {name} holds no JSON Lines and no Parquet to load.", exit_status=2)
        for other in others:
            if other.stat().st_size:
                self.refused.add((str(other), 1), "neither JSON Lines nor Parquet")
        return list(readable)

    def read(self, streams: Iterable[str]) -> Iterator[Any]:
        """Yield events; what cannot be taken is in `refused`."""
        for path in self._paths:
            with nullcontext(open_packed(None)) if path is None else open_packed(path) as file:
                if path is not None and begins_with(file, PARQUET):
                    yield from self._parquet(path)
                else:
                    yield from self._lines(file, path)
        yield from self._end()

    def _parquet(self, path: Path) -> Iterator[Any]:
        stream = self._stream or stream_in(path, self._schemas)
        shape = Shape(self._schemas[stream]) if stream else None
        number = 0
        try:
            for number, row in enumerate(parquet_rows(path), 1):
                yield from self._row(row, (str(path), number), stream, shape)
        except UserError as error:
            self.refused.add((str(path), number + 1), str(error))

    def _lines(self, file: io.BufferedReader, path: Path | None) -> Iterator[Any]:
        name = "standard input" if path is None else str(path)
        stream = self._stream or (stream_in(path, self._schemas) if path else None)
        shape = Shape(self._schemas[stream]) if stream else None
        self._has_messages = False
        number, line, cut = 0, b"", ""
        try:
            for number, found in enumerate(lines_of(file), 1):
                place, line = (name, number), found or b"\n"
                if found is None:
                    self.refused.add(place, "a line that is too long")
                    continue
                try:
                    value = orjson.loads(line.removeprefix(MARK))
                except orjson.JSONDecodeError:
                    if line.strip(BLANK) and line.endswith(b"\n"):
                        self.refused.add(place, "no JSON")
                    elif line.strip(BLANK):
                        cut = f"{name} ends in the middle of line {number}."
                    continue
                if row := self._row_of(value, line, place):
                    self._has_messages = True
                    yield row
                else:
                    yield from self._events(value, place, stream, shape)
        except CUT:
            cut = f"{name} is cut or damaged after line {number}."
        if cut:
            yield Cut(cut, self._has_messages)
            self._begun.clear()
            self._open.clear()

    def _events(self, value: Any, place: Place, stream: str | None, shape: Shape | None) -> Iterator[Any]:
        if not isinstance(value, dict):
            self.refused.add(place, "no JSON object")
            return
        kind = value.get("type")
        if kind in MESSAGES:
            self._has_messages = True
            yield from self._message(kind, value, place)
        elif is_row(value):
            yield from self._row(value, place, stream, shape)
        else:
            self.refused.add(place, "neither a message of an Airbyte source nor a row of a destination")

    def _row_of(self, value: Any, line: bytes, place: Place) -> Row | None:
        """The row of a message that is a whole record; None for all others."""
        try:
            if value["type"] != "RECORD":
                return None
            record = value["record"]
            stream, data, at = record["stream"], record["data"], record["emitted_at"]
            at = at if type(at) is int and 0 < at < YEAR_10000 else milliseconds(at)
            if at is None or stream not in self._schemas:
                return None
            if not NOT_PLAIN.isdisjoint(map(type, data.values())) and BIG_NUMBER.search(line):
                data = json.loads(line)["record"]["data"]  # orjson rounds integers of more than 64 bits
            return Row(stream, data, at, place)
        except (KeyError, TypeError, AttributeError):
            return None

    def _refuse_record(self, record: Any, place: Place) -> None:
        if not isinstance(record, dict) or not {"stream", "data", "emitted_at"} <= record.keys():
            self.refused.add(place, "a record without `stream`, `data` or `emitted_at`")
        elif record["stream"] not in list(self._schemas):
            self.refused.add(place, f"a record of the stream {quoted_name(record['stream'])}, {self._unknown}")
        else:
            what = f"a record of {record['stream']} whose `data` is no object, or `emitted_at` no time"
            self.refused.add(place, what)

    def _row(self, row: Mapping[str, Any], place: Place, stream: str | None, shape: Shape | None) -> Iterator[Row]:
        if stream is None or shape is None:
            self.refused.add(place, WITHOUT_STREAM)
            return
        found = shape.record(row)
        if isinstance(found, str):
            self.refused.add(place, found)
            return
        self.has_rows = True
        yield Row(stream, *found, place)

    def _message(self, kind: str, message: Mapping[str, Any], place: Place) -> Iterator[Any]:
        """Yield the events of a message that is no record."""
        try:
            match kind:
                case "STATE":
                    yield from self._state(message["state"], message["state"].get("sourceStats") or {}, place)
                case "TRACE":
                    yield from self._trace(message["trace"])
                case "LOG" if message["log"]["level"] == "WARN" and len(self._warned) < MAX_WARNINGS:
                    text = str(message["log"]["message"])
                    if text not in self._warned:
                        self._warned.add(text)
                        yield WarningEvent(text)
                case "RECORD":
                    self._refuse_record(message.get("record"), place)
        except (KeyError, TypeError, AttributeError):
            self.refused.add(place, f"a message of type {kind} that lacks what such a message has")

    def _state(self, state: Mapping[str, Any], counts: Mapping[str, Any], place: Place) -> Iterator[State]:
        if state.get("type") != "STREAM":
            self.refused.add(place, f"a state of type {quoted_name(state.get('type'))}, where each stream has its own")
            return
        stream, blob = state["stream"]["stream_descriptor"]["name"], state["stream"].get("stream_state") or {}
        records = counts.get("recordCount")
        if stream not in self._schemas:
            self.refused.add(place, f"a state of the stream {quoted_name(stream)}, {self._unknown}")
        elif not isinstance(blob, dict):
            self.refused.add(place, f"a state of {stream} that is no object")
        else:
            self.has_states = True
            yield State(stream, blob, int(records) if isinstance(records, int | float) else None)

    def _trace(self, trace: Mapping[str, Any]) -> Iterator[Any]:
        if trace["type"] == "ERROR":
            error = trace["error"]
            # the last one sums up those before
            if error.get("stream_descriptor") or not self._has_failed:
                self._has_failed = True
                yield failure(str(error["message"]), error.get("failure_type") == "config_error")
        elif trace["type"] == "STREAM_STATUS":
            stream = trace["stream_status"]["stream_descriptor"]["name"]
            status = trace["stream_status"]["status"]
            if stream in self._schemas and status == "STARTED":
                yield from self._started(stream, milliseconds(trace.get("emitted_at")) or 0)
            elif stream in self._schemas and status in ("COMPLETE", "INCOMPLETE"):
                self._open.pop(stream, None)
                yield StreamFinished(stream)

    def _started(self, stream: str, at: int) -> Iterator[Any]:
        if stream in self._begun:  # another read
            yield from self._end()
        self._begun.add(stream)
        self._open[stream] = None
        yield Started(stream, at)

    def _end(self) -> Iterator[Cut]:
        """A read ends, be it by the end of the input or by the next read."""
        if self._open:
            yield Cut(f"A read ended before it was done with {', '.join(self._open)}.", True)
        self._begun.clear()
        self._open.clear()
        self._has_failed = False


def _is_empty(path: Path | None) -> bool:
    """Whether nothing will come; a pipe is not opened for that, because it can be read once."""
    if path is None:
        return not open_packed(None).peek(1)
    if not path.is_file():
        return False
    open_packed(path).close()
    return path.stat().st_size == 0
