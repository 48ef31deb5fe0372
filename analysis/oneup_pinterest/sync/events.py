"""The events of a read, from the connector in this process or from messages that it printed elsewhere."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

ACCOUNT_FAILURE = ("Account ", " could not be read: ")  # how the connector reports an account that it skips
Location = tuple[str, int]  # the name of a file as people know it, and the line or row, counted from 1


class RecordEvent(NamedTuple):
    """A record of a stream."""

    stream: str
    data: Mapping[str, Any]
    extracted_at: int = 0  # milliseconds since 1970, UTC
    location: Location = ("", 0)  # if it comes from a file


class StateEvent(NamedTuple):
    """The state of a stream."""

    stream: str
    state: Mapping[str, Any]
    records: int | None = None  # since the state before, if the message has a count


class StreamFinishedEvent(NamedTuple):
    """A stream was read to its end."""

    stream: str


class FailureEvent(NamedTuple):
    """Something that the connector could not read; `account` is None if it is not about one account."""

    account: str | None
    reason: str
    is_config_error: bool


class WarningEvent(NamedTuple):
    """A warning for people."""

    text: str


class RequestCountEvent(NamedTuple):
    """How many requests the connector sent."""

    sent: int


class AccountsListedEvent(NamedTuple):
    """The accounts (id → username) that OneUp listed for the key; absent if the config names the accounts."""

    accounts: Mapping[str, str | None]


Event = (
    RecordEvent
    | StateEvent
    | StreamFinishedEvent
    | FailureEvent
    | WarningEvent
    | RequestCountEvent
    | AccountsListedEvent
)


class Source(Protocol):
    """A source of events that can be read once."""

    def read(self, streams: Iterable[str]) -> Iterator[Any]:
        """Yield events; failures are events, not exceptions."""


def parse_failure(message: str, is_config_error: bool) -> FailureEvent:
    """Return the failure that an error message of the connector reports.

    >>> parse_failure('Account "pin_a" could not be read: It is gone.', True)
    FailureEvent(account='pin_a', reason='It is gone.', is_config_error=True)
    """
    before, between = ACCOUNT_FAILURE
    if message.startswith(before + '"'):
        try:
            account, end = json.JSONDecoder().raw_decode(message, len(before))
        except ValueError:
            return FailureEvent(None, message, is_config_error)
        return FailureEvent(account, message[end:].removeprefix(between), is_config_error)
    return FailureEvent(None, message, is_config_error)
