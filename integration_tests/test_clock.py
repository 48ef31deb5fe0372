"""Days are right in every time zone, at every hour, across midnight and with a clock that goes back."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from integration_tests.airbyte import read
from integration_tests.fault_injection.rows import damage
from integration_tests.fixture_types import FirstSync
from integration_tests.test_read import fetch, metric, windows_of
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE

pytestmark = pytest.mark.slow

ZONES = ["Etc/GMT+12", "America/St_Johns", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati"]
MIDNIGHTS = [
    datetime(2026, 3, 29),
    datetime(2026, 10, 25),
    datetime(2027, 1, 1),
]  # both changes of Berlin's clock, and new year


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        pytest.param(
            zone, around, marks=() if zone == "Europe/Berlin" or around == MIDNIGHTS[2] else pytest.mark.nightly
        )
        for zone in ZONES
        for around in MIDNIGHTS
    ],
)
def test_reads_before_and_after_midnight_equal_the_server(
    sandbox: Sandbox, set_clock: Callable[[datetime], None], zone: str, around: datetime
) -> None:
    for minutes in (-1, 1):
        now = around.replace(tzinfo=ZoneInfo(zone)) + timedelta(minutes=minutes)
        set_clock(now)
        sandbox.clear_requests()
        result = read(
            {
                **sandbox.config(),
                "timezone": zone,
                "start_date": f"{now.date() - timedelta(days=2)}",
                "social_network_ids": sandbox.account_ids[:1],
            },
            streams=["overview_metrics", "pins", "account_followers"],
        )

        assert result.exception is None
        assert {request.status for request in sandbox.requests} == {200}
        last_day = (now.date() - timedelta(days=1)).isoformat()
        windows = windows_of(result.records["overview_metrics"])
        assert {end for (_, _, end), _ in windows} == {last_day}
        for (account, start, end), rows in windows:
            assert [metric(row) for row in rows] == fetch(sandbox, "overview", account, start, end, zone)["metrics"]
        assert {row["snapshot_date"] for row in result.records["account_followers"]} == {now.date().isoformat()}
        assert {row["period_end"] for row in result.records["pins"]} <= {last_day}


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_a_read_across_midnight_keeps_the_day_of_its_start(
    sandbox: Sandbox, set_clock: Callable[[datetime], None], zone: str
) -> None:
    midnight = datetime(2026, 5, 20, tzinfo=ZoneInfo(zone))
    set_clock(midnight - timedelta(minutes=5))
    sandbox.inject(
        Fault("edit", path="listsocialaccounts", edit=lambda response: set_clock(midnight + timedelta(minutes=5)))
    )

    result = read({**sandbox.config(), "timezone": zone})

    assert sandbox.now > midnight
    assert result.exception is None
    assert {request.status for request in sandbox.requests} == {200}
    for stream, endpoint, part in (("overview_metrics", "overview", "metrics"), ("pin_totals", "posts", "stats")):
        windows = windows_of(result.records[stream])
        assert max(end for (_, _, end), _ in windows) == "2026-05-18"
        for (account, start, end), rows in windows:
            assert [metric(row) for row in rows] == fetch(sandbox, endpoint, account, start, end, zone)[part]
    assert {row["snapshot_date"] for row in result.records["pins"]} == {"2026-05-19"}

    next_day = read({**sandbox.config(), "timezone": zone}, result.state)
    assert next_day.exception is None
    assert {row["period_end"] for row in next_day.records["overview_metrics"]} == {"2026-05-19"}


def test_a_clock_that_goes_back_loses_no_row(
    sandbox: Sandbox, set_clock: Callable[[datetime], None], tmp_path: Path, first_sync: FirstSync
) -> None:
    database, reference = tmp_path / "history.duckdb", tmp_path / "reference.duckdb"
    # a file whose newest run is more than a day ahead is refused
    first, wrong, last = (datetime(2026, 5, day, hour, tzinfo=UTC) for day, hour in ((20, 12), (19, 13), (21, 12)))
    set_clock(first)
    for file in (database, reference):
        first_sync(file)
    set_clock(wrong)
    assert sync(sandbox.config(), database).exit_status == 0
    set_clock(last)
    for file in (database, reference):
        assert sync(sandbox.config(), file).exit_status == 0

    found = damage(database, reference)
    assert (found.lost, found.duplicated) == (0, 0)
    with duckdb.connect(str(database)) as connection:
        days = connection.sql("SELECT DISTINCT snapshot_date FROM pins ORDER BY 1").fetchall()
        newest = connection.sql(
            "SELECT DISTINCT snapshot_date FROM pins_latest WHERE id IN "
            "(SELECT id FROM pins WHERE snapshot_date = '2026-05-21')"
        ).fetchall()
    assert [str(day) for (day,) in days] == ["2026-05-19", "2026-05-20", "2026-05-21"]
    assert newest == [(date(2026, 5, 21),)]


@pytest.fixture
def set_clock(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Return a function that sets the clocks of the sandbox and the connector."""

    def set_to(now: datetime) -> None:
        sandbox.now = now
        monkeypatch.setenv(CLOCK_VARIABLE, now.astimezone(UTC).isoformat())

    return set_to
