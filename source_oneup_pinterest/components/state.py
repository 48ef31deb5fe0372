"""The state of a stream, as it is stored and as the cursor uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from airbyte_cdk.sources.declarative.migrations.state_migration import StateMigration
from airbyte_cdk.sources.types import Config

from .log import LOGGER
from .windows import Window

STATE_IGNORED = "Ignored a state that this connector did not write: its accounts are read again from `start_date`."


@dataclass
class PerAccountStateMigration(StateMigration):
    """Pass the stored state to `AccountsCursor` unread, because the CDK fails on a state in another format."""

    config: Config

    def should_migrate(self, stream_state: Mapping[str, Any]) -> bool:
        return True

    def migrate(self, stream_state: Mapping[str, Any]) -> Mapping[str, Any]:
        # the CDK migrates a migrated state again each time it builds its streams (`discover`, then `read`)
        entries = stream_state.get("entries") or stream_state.get("states")
        if entries and not isinstance(entries, list):
            LOGGER.warning(STATE_IGNORED)
        return {"entries": entries if isinstance(entries, list) else []}


@dataclass
class DaysRead:
    """The days of an account that were read: all from `since` (unknown in states of 0.1.0) to `until`.

    `since_after` replaces `since` once this sync has read the earlier windows. `windows` are those that this sync still
    has to read, sorted by their ends; `done` are those that it read.
    """

    since: date | None
    until: date
    since_after: date | None = None
    windows: list[Window] = field(default_factory=list)
    done: set[Window] = field(default_factory=set)


@dataclass
class StreamPlan:
    """What one sync reads of a stream: the partition and the days of each account, and its windows before the newest.

    `days_read` and `read_again` have one entry per account and preset; `history` counts windows per account.
    """

    partitions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    days_read: dict[tuple[str, str | None], DaysRead] = field(default_factory=dict)
    read_again: dict[tuple[str, str | None], list[Window]] = field(default_factory=dict)
    history: dict[str, int] = field(default_factory=dict)
