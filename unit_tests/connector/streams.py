"""The streams and both forms of the connector, at noon on May 20, 2026, with a start date of May 6.

The weekly periods of the overview then end on May 12 and yesterday.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml
from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, SyncMode
from airbyte_cdk.sources import Source
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput
from airbyte_cdk.test.entrypoint_wrapper import read as read_source
from airbyte_cdk.test.models import ExpectedOutcome
from airbyte_cdk.test.state_builder import StateBuilder

from source_oneup_pinterest import SourceOneupPinterest
from source_oneup_pinterest.export import flat_components, flat_manifest
from unit_tests.connector.mock_api import KEY, overview, posts

Json = dict[str, Any]
Read = Callable[..., EntrypointOutput]

CONFIG = {
    "api_key": KEY,
    "social_network_ids": ["pin_a"],
    "start_date": "2026-05-06",
    "pins_lookback_days": 7,
    "num_workers": 2,
}
LAST_30_DAYS = {"preset": "last_30_days"}
LAST_7_DAYS = {"preset": "last_7_days"}
LAST_90_DAYS = {"preset": "last_90_days"}
LONG_AGO = {"start_date": "2026-01-20", "end_date": "2026-02-18"}
OLDER_30_DAYS = {"start_date": "2026-04-13", "end_date": "2026-05-12"}
NEWEST = {"preset": "last_30_days", "period_start": "2026-04-20", "period_end": "2026-05-19"}
OLDER = {"preset": "last_30_days", "period_start": "2026-04-13", "period_end": "2026-05-12"}
SINCE_START = {"start_date": "2026-05-06", "end_date": "2026-05-19"}
SINCE_CURSOR = {"start_date": "2026-05-12", "end_date": "2026-05-19"}
PERIODS: dict[str, Json] = {"last_30_days": NEWEST, "2026-04-13": OLDER}
WINDOWS: dict[str, Json] = {
    window["start_date"]: {"period_start": window["start_date"], "period_end": window["end_date"]}
    for window in (SINCE_START, SINCE_CURSOR)
} | {"last_7_days": {"period_start": "2026-05-13", "period_end": "2026-05-19"}}
SNAPSHOT = {"snapshot_date": "2026-05-20"}


@dataclass
class Stream:
    """The requests of a stream without a state and with a state of May 12, and its cursor afterwards."""

    name: str
    endpoint: str
    body: Callable[..., Json]
    cursor: dict[str, str]
    cursor_before: dict[str, str]
    first: list[Json]
    then: list[Json]
    row: Callable[[int], Json]
    stamps: dict[str, Json]  # fields added to the rows of a window, by its first day or preset

    def rows(self, windows: list[Json], value: int = 12, account: str = "pin_a") -> list[Json]:
        stamps = [self.stamps[window.get("preset") or window["start_date"]] for window in windows]
        row = {column: sent for column, sent in self.row(value).items() if sent is not None}  # messages omit nulls
        return [{"social_network_id": account, **stamp, **row} for stamp in stamps]


def metric_row(value: int) -> Json:
    return {
        "key": "saves",
        "name": "Saves",
        "description": "Saves of pins.",
        "value_current_period": value,
        "value_last_period": 1000,
        "percentage_change": "+20%",
        "percentage_change_value": 20,
    }


def pin_row(value: int) -> Json:
    return {
        "id": "7",
        "page_id": "70",
        "format": None,
        "text": "A pin",
        "permalink": None,
        "media_type": None,
        "media_url": None,
        "timestamp": "2026-05-13 09:00:00",
        "impressions": value,
        "saves": 2,
        "comments": 0,
        "repins": 2,
        "clicks": None,
    }


def ranked_row(value: int) -> Json:
    return {
        "ranking": "most_views",
        "position": 1,
        "id": "7",
        "text": "A pin",
        "permalink": None,
        "engagement_rate": value + 0.5,
        "item": {"id": 7, "text": "A pin", "engagement_rate": f"{value}.5%"},
    }


OVERVIEW_METRICS = Stream(
    name="overview_metrics",
    endpoint="overview",
    body=overview,
    cursor={"period_end": "2026-05-19"},
    cursor_before={"period_end": "2026-05-12"},
    first=[OLDER_30_DAYS, LAST_30_DAYS],
    then=[OLDER_30_DAYS, LAST_30_DAYS],
    row=metric_row,
    stamps=PERIODS,
)
POST_PERFORMANCE = replace(OVERVIEW_METRICS, name="post_performance", row=ranked_row)
ACCOUNT_FOLLOWERS = Stream(
    name="account_followers",
    endpoint="overview",
    body=overview,
    cursor={"snapshot_date": "2026-05-20"},
    cursor_before={"snapshot_date": "2026-05-13"},
    first=[LAST_30_DAYS],
    then=[LAST_30_DAYS],
    row=lambda value: {"total_followers": value},
    stamps={"last_30_days": SNAPSHOT},
)
PINS = Stream(
    name="pins",
    endpoint="posts",
    body=posts,
    cursor={"timestamp": "2026-05-19 00:00:00"},
    cursor_before={"timestamp": "2026-05-12 10:00:00"},
    first=[SINCE_START],
    then=[SINCE_CURSOR],
    row=pin_row,
    stamps={start: stamp | SNAPSHOT for start, stamp in WINDOWS.items()},
)
PIN_TOTALS = Stream(
    name="pin_totals",
    endpoint="posts",
    body=posts,
    cursor={"period_end": "2026-05-19"},
    cursor_before={"period_end": "2026-05-12"},
    first=[SINCE_START],
    then=[SINCE_CURSOR],
    row=metric_row,
    stamps=WINDOWS,
)
STREAMS = [OVERVIEW_METRICS, POST_PERFORMANCE, ACCOUNT_FOLLOWERS, PINS, PIN_TOTALS]
NAMES = [stream.name for stream in STREAMS]
each_stream = pytest.mark.parametrize("stream", STREAMS, ids=NAMES)


def package(catalog: ConfiguredAirbyteCatalog, config: Json, state: list[AirbyteStateMessage]) -> Source:
    return SourceOneupPinterest(catalog=catalog, config=config, state=state)


def flat_form(catalog: ConfiguredAirbyteCatalog, config: Json, state: list[AirbyteStateMessage]) -> Source:
    """Build the source from the exported files, as Airbyte's manifest-only image does."""
    code = flat_components()
    injected = {
        "__injected_components_py": code,
        "__injected_components_py_checksums": {"md5": hashlib.md5(code.encode()).hexdigest()},
    }
    manifest = yaml.safe_load(flat_manifest())
    return ConcurrentDeclarativeSource(catalog=catalog, config=config | injected, state=state, source_config=manifest)


def read_with(
    form: Callable[..., Source],
    *names: str,
    config: Json | None = None,
    state: list[AirbyteStateMessage] | None = None,
    outcome: ExpectedOutcome = ExpectedOutcome.EXPECT_SUCCESS,
) -> EntrypointOutput:
    """Read streams through Airbyte's entrypoint, and check that no output has the key."""
    config, state, catalog = CONFIG | (config or {}), state or [], CatalogBuilder()
    for name in names:
        catalog.with_stream(name, SyncMode.full_refresh if name == "accounts" else SyncMode.incremental)
    configured = catalog.build()
    output = read_source(form(configured, config, state), config, configured, state, expected_outcome=outcome)
    assert KEY not in "".join(str(message) for message in output.get_message_iterator())
    if outcome.expect_success():
        assert output.errors == []
    return output


def rows(output: EntrypointOutput, name: str) -> list[Json]:
    found = [message.record.data for message in output.records if message.record and message.record.stream == name]
    return [dict(row) for row in found]


def errors(output: EntrypointOutput) -> list[str]:
    return [message.trace.error.message for message in output.errors if message.trace and message.trace.error]


def cursors(output: EntrypointOutput, name: str) -> dict[str, dict[str, str]]:
    """Return account → cursor in the last state of a stream."""
    found: dict[str, dict[str, str]] = {}
    for message in output.state_messages:
        assert message.state
        assert message.state.stream
        if message.state.stream.stream_descriptor.name == name and message.state.stream.stream_state:
            states = message.state.stream.stream_state.__dict__.get("states", [])
            found = {entry["partition"]["social_network_id"]: entry["cursor"] for entry in states}
    return found


def state_of(stream: Stream, *accounts: str) -> list[AirbyteStateMessage]:
    states = [
        {"partition": {"social_network_id": account}, "cursor": stream.cursor_before, "since": "2026-05-06"}
        for account in accounts
    ]
    return StateBuilder().with_stream_state(stream.name, {"use_global_cursor": False, "states": states}).build()


def by_end(records: list[Json]) -> list[Json]:
    return sorted(records, key=lambda row: (row["social_network_id"], row.get("period_end", "")))
