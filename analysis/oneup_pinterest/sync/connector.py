"""Run the connector as an Airbyte source in this process: its messages as events, nothing on stdout."""

import contextlib
import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteMessageSerializer,
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    AirbyteStream,
    AirbyteStreamStatus,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    FailureType,
    SyncMode,
    Type,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.events import (
    AccountsListedEvent,
    Event,
    FailureEvent,
    RecordEvent,
    RequestCountEvent,
    StateEvent,
    StreamFinishedEvent,
    WarningEvent,
    parse_failure,
)
from source_oneup_pinterest.source import REQUESTS_SENT, ProgressSnapshot, SourceOneupPinterest

LOGGER = logging.getLogger("airbyte")


class Connector:
    """The OneUp source with a config and the state of its streams; it can be read once.

    Raises:
        UserError: The config is not valid (exit status 2); the message names the wrong config key.
    """

    def __init__(self, config: Mapping[str, Any], state: Mapping[str, Mapping[str, Any]]) -> None:
        self._config = config
        states = [_state_message(name, value) for name, value in state.items()]
        self._warnings = _Warnings()
        try:
            with self._warnings.collecting():
                self._source = SourceOneupPinterest(config=config, state=states)
            catalog = self._source.discover(LOGGER, config)
        except AirbyteTracedException as error:
            is_config = error.failure_type == FailureType.config_error
            raise UserError(error.message or str(error), exit_status=2 if is_config else 1) from None
        self.configured_accounts = self._source.configured_accounts
        self.shard, self.reads = self._source.shard, self._source.reads
        self.api_key = self._source.api_key
        self.streams: dict[str, AirbyteStream] = {stream.name: stream for stream in catalog.streams}

    def set_known_accounts(self, names: Sequence[str]) -> None:
        """Set which accounts this key listed before; by default they are those of the state."""
        self._source.know_accounts(names)

    def progress(self) -> ProgressSnapshot:
        """Return how far the read is; any thread may ask before, during and after it."""
        return self._source.progress

    def read(self, streams: Iterable[str]) -> Iterator[Event]:
        """Yield the events of a read; failures are events, not exceptions."""
        catalog = ConfiguredAirbyteCatalog(streams=[_configured(self.streams[name]) for name in streams])
        warnings = self._warnings
        with warnings.collecting(), contextlib.redirect_stdout(io.StringIO()):
            failed = False
            try:
                for message in self._source.read(LOGGER, self._config, catalog):
                    if message.record:
                        yield RecordEvent(message.record.stream, message.record.data)
                        continue
                    for event in _events(message):
                        failed = failed or isinstance(event, FailureEvent)
                        yield event
                    yield from warnings.take()
            except AirbyteTracedException as error:
                if not failed:  # otherwise it only summarizes the failures before it
                    yield _failure_event(error.message or str(error), error.failure_type)
            yield from warnings.take()
            yield from warnings.take_counted()
            if self._source.listed_accounts is not None:
                yield AccountsListedEvent(self._source.listed_accounts)


def _events(message: AirbyteMessage) -> Iterator[Event]:
    if message.type == Type.STATE and message.state and message.state.stream:
        state = AirbyteMessageSerializer.dump(message)["state"]["stream"]
        yield StateEvent(state["stream_descriptor"]["name"], state.get("stream_state") or {})
    elif message.trace and message.trace.error:
        yield _failure_event(message.trace.error.message, message.trace.error.failure_type)
    elif message.trace and message.trace.analytics and message.trace.analytics.type == REQUESTS_SENT:
        yield RequestCountEvent(int(message.trace.analytics.value or 0))
    elif message.trace and message.trace.stream_status:
        status = message.trace.stream_status
        if status.status in (AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE):
            yield StreamFinishedEvent(status.stream_descriptor.name)


def _failure_event(message: str, failure_type: FailureType | None) -> FailureEvent:
    return parse_failure(message, failure_type == FailureType.config_error)


def _configured(stream: AirbyteStream) -> ConfiguredAirbyteStream:
    incremental = SyncMode.incremental in stream.supported_sync_modes
    return ConfiguredAirbyteStream(
        stream=stream,
        sync_mode=SyncMode.incremental if incremental else SyncMode.full_refresh,
        destination_sync_mode=DestinationSyncMode.append_dedup,
    )


def _state_message(stream: str, state: Mapping[str, Any]) -> AirbyteStateMessage:
    return AirbyteStateMessageSerializer.load(
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": dict(state)}}
    )


class _Warnings(logging.Handler):
    """Replace the CDK's handlers, which print JSON on stdout, and keep the connector's warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: list[str] = []
        self._counted: dict[tuple[Any, ...], tuple[int, Any]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "airbyte.oneup_pinterest":
            return
        match record.args:
            case (int(count), *what, example):  # dropped data: the connector warns once per response
                total, first = self._counted.get((record.msg, *what), (0, example))
                self._counted[record.msg, *what] = total + count, first
            case _:
                self._texts.append(record.getMessage())

    def take(self) -> Iterator[WarningEvent]:
        """Yield the warnings so far, once."""
        while self._texts:
            yield WarningEvent(self._texts.pop(0))

    def take_counted(self) -> Iterator[WarningEvent]:
        """Yield the warnings of dropped data, one per kind, summed over all responses."""
        for (message, *what), (count, example) in self._counted.items():
            yield WarningEvent(message % (count, *what, example))

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Make this the only handler of the root logger in this block."""
        root = logging.getLogger()
        before, root.handlers = root.handlers, [self]
        try:
            yield
        finally:
            root.handlers = before
