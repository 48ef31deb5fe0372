"""What a read brings, whoever runs it: the connector in this process, or messages that it printed elsewhere."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

ACCOUNT_FAILURE = ("Account ", " could not be read: ")  # how the connector names an account that it skips


Place = tuple[str, int]  # where something stands: the name of a file for people, and the line or row from 1


class Row(NamedTuple):
    """A record; when it was extracted (milliseconds since 1970, UTC) and where it stands, if it comes from a file."""

    stream: str
    data: Mapping[str, Any]
    extracted_at: int = 0
    place: Place = ("", 0)


class State(NamedTuple):
    """A stream's state; how many records came since the one before, if the message says so."""

    stream: str
    state: Mapping[str, Any]
    records: int | None = None


class StreamFinished(NamedTuple):
    stream: str


class Failure(NamedTuple):
    """What the connector could not do; `account` is None where it was not one account alone."""

    account: str | None
    reason: str
    is_config_error: bool


class WarningEvent(NamedTuple):
    text: str


class RequestCountEvent(NamedTuple):
    sent: int


class Listed(NamedTuple):
    """The accounts (id → username) that OneUp listed for the key; there is no such event where it was not asked."""

    accounts: Mapping[str, str | None]


Event = Row | State | StreamFinished | Failure | WarningEvent | RequestCountEvent | Listed


class Source(Protocol):
    """Something that can be read once."""

    def read(self, streams: Iterable[str]) -> Iterator[Any]:
        """Yield events; failures are events, not exceptions."""


def failure(message: str, is_config_error: bool) -> Failure:
    """Return the failure that a message of the connector reports.

    >>> failure('Account "pin_a" could not be read: It is gone.', True)
    Failure(account='pin_a', reason='It is gone.', is_config_error=True)
    """
    before, between = ACCOUNT_FAILURE
    if message.startswith(before + '"'):
        try:
            account, end = json.JSONDecoder().raw_decode(message, len(before))
        except ValueError:
            return Failure(None, message, is_config_error)
        return Failure(account, message[end:].removeprefix(between), is_config_error)
    return Failure(None, message, is_config_error)
