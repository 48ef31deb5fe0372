"""The cursor plans each window of a state once, and weekly periods once more when they are final."""

import itertools
import threading
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.types import StreamSlice

from source_oneup_pinterest.components import AddSyncContext
from source_oneup_pinterest.components.cursor import AccountsCursor
from source_oneup_pinterest.components.state import PerAccountStateMigration
from unit_tests.connector.configs import resolved

FIRST = datetime(2026, 5, 20, 12, tzinfo=UTC)
Json = dict[str, Any]


class Source:
    """A stream that is synced day after day."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, windows: str = "period", **config: Any) -> None:
        self.monkeypatch, self.windows, self.config = monkeypatch, windows, config
        self.state: Json = {}
        self.planned: list[tuple[str, str, str]] = []

    def sync(
        self, now: datetime, accounts: int = 1, fail: tuple[str, ...] = (), stop: int | None = None, **config: Any
    ) -> list[str]:
        """Sync at `now`, up to `stop` windows; return their last days, sorted (`published`: both days).

        `self.planned` then has the windows of the sync in its order.
        """
        self.config |= config
        resolved_config = resolved(self.monkeypatch, now, **self.config)
        AddSyncContext().transform(resolved_config)
        cursor = object.__new__(AccountsCursor)
        manager = ConnectorStateManager()
        manager.update_state_for_stream("s", None, PerAccountStateMigration(resolved_config).migrate(self.state))
        slices = [
            StreamSlice(partition={"social_network_id": f"pin_{n}", "parent_slice": {}}, cursor_slice={})
            for n in range(accounts)
        ]
        cursor.__dict__ |= {
            "_connector_state_manager": manager,
            "_stream_name": "s",
            "_stream_namespace": None,
            "_partition_router": SimpleNamespace(stream_slices=lambda: slices),
            "_cursor_field": SimpleNamespace(cursor_field_key="period_end"),
            "_lock": threading.Lock(),
            "_emit_state_message": lambda throttle=True: None,
        }
        cursor.begin(resolved_config, self.windows)
        planned = list(cursor.stream_slices())
        for each in planned[:stop]:
            if each["end_time"] not in fail:
                cursor.close_partition(SimpleNamespace(to_slice=lambda each=each: each))  # type: ignore[arg-type]
        self.state = dict(cursor.state)
        self.planned = [(each.partition["social_network_id"], each["start_time"], each["end_time"]) for each in planned]
        if self.windows == "published":
            return sorted(f"{each['start_time']}/{each['end_time']}" for each in planned[:stop])
        return sorted(each["end_time"] for each in planned[:stop])


@pytest.mark.parametrize("start", ["2026-05-06", ""])
def test_each_weekly_period_is_read_again_when_final(monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    source = Source(monkeypatch, start_date=start)
    source.sync(FIRST)
    again: list[date] = []
    for day in range(1, 43):
        now = FIRST + timedelta(days=day)
        *earlier, newest = source.sync(now)
        assert newest == str(now.date() - timedelta(days=1))
        assert len(earlier) <= 1
        again += map(date.fromisoformat, earlier)
        assert all((now.date() - date.fromisoformat(end)).days == 3 for end in earlier)
        assert source.sync(now) == [newest]  # a second sync on the same day
    assert len(again) == 6
    assert {(later - before).days for before, later in itertools.pairwise(again)} == {7}


def test_final_period_that_failed_is_read_by_the_next_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, start_date="2026-05-06")
    source.sync(FIRST)
    for day in (1, 2):
        source.sync(FIRST + timedelta(days=day), fail=("2026-05-19",))
    assert source.sync(FIRST + timedelta(days=3)) == ["2026-05-19", "2026-05-22"]
    assert source.sync(FIRST + timedelta(days=4)) == ["2026-05-23"]


def test_final_periods_are_not_read_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, start_date="2026-05-06")
    source.sync(FIRST)
    assert source.sync(FIRST + timedelta(days=21)) == ["2026-05-19", "2026-05-26", "2026-06-02", "2026-06-09"]
    assert source.sync(FIRST + timedelta(days=22)) == ["2026-06-10"]


def test_earlier_start_is_read_once_in_the_same_weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, start_date="2026-05-06")
    assert source.sync(FIRST) == ["2026-05-12", "2026-05-19"]
    assert source.sync(FIRST, start_date="2026-04-20") == ["2026-04-21", "2026-04-28", "2026-05-05", "2026-05-19"]
    assert source.sync(FIRST) == source.sync(FIRST, start_date="2026-05-10") == ["2026-05-19"]
    assert source.sync(FIRST, start_date="2026-04-20") == ["2026-05-19"]  # nothing was deleted


def test_pins_before_the_first_day_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, "published", start_date="2026-05-06", pins_lookback_days=7)
    assert source.sync(FIRST) == ["2026-05-06/2026-05-19"]
    assert source.sync(FIRST, start_date="2026-04-20") == ["2026-04-20/2026-05-05", "2026-05-13/2026-05-19"]
    assert source.sync(FIRST) == ["2026-05-13/2026-05-19"]


def test_interrupted_first_sync_does_not_read_before_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, "published")
    planned = source.sync(FIRST, fail=("2026-05-19",))
    assert planned == source.sync(FIRST) == ["2026-02-19/2026-05-19"]


def test_state_without_a_first_day_is_read_from_start_date(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"states": [{"partition": {"social_network_id": "pin_0"}, "cursor": {"period_end": "2026-05-19"}}]}
    for start, ends in (("2026-05-06", ["2026-05-12", "2026-05-19"]), ("", ["2026-05-19"])):
        source = Source(monkeypatch, start_date=start)
        source.state = state
        assert source.sync(FIRST) == ends
        assert source.sync(FIRST) == ["2026-05-19"]


def test_each_preset_has_its_own_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, start_date="2026-05-06")
    source.sync(FIRST)
    assert source.sync(FIRST, preset="last_7_days") == ["2026-05-12", "2026-05-19"]
    assert source.sync(FIRST) == source.sync(FIRST, preset="last_30_days") == ["2026-05-19"]


@pytest.mark.parametrize(
    ("before", "after"), [("Pacific/Kiritimati", "Etc/GMT+12"), ("Etc/GMT+12", "Pacific/Kiritimati")]
)
def test_change_of_timezone_neither_loses_nor_repeats_a_week(
    monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    source = Source(monkeypatch, timezone=before)
    read = source.sync(FIRST)
    since = source.state["states"][0]["since"]
    for day in range(1, 15):
        ends = source.sync(FIRST + timedelta(days=day), timezone=after if day >= 3 else before)
        assert len(ends) <= 2
        read += ends
    assert source.state["states"][0]["since"] == since
    weeks = [date.fromisoformat(since) + timedelta(days=6 + 7 * n) for n in range(14)]
    assert {str(week) for week in weeks} <= set(read)


def test_each_of_many_accounts_keeps_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, start_date="2026-05-06")
    assert len(source.sync(FIRST, accounts=12_000)) == 24_000
    assert len(source.sync(FIRST, accounts=12_000)) == 12_000
    assert not source.state["use_global_cursor"]


@pytest.mark.parametrize("windows", ["period", "published"])
def test_newest_windows_of_all_accounts_are_read_before_any_history(
    monkeypatch: pytest.MonkeyPatch, windows: str
) -> None:
    source = Source(monkeypatch, windows, start_date="2025-05-20")
    source.sync(FIRST, accounts=3)

    newest, history = source.planned[:3], source.planned[3:]
    assert [account for account, *_ in newest] == ["pin_0", "pin_1", "pin_2"]
    assert {end for *_, end in newest} == {"2026-05-19"}
    assert "2026-05-19" not in {end for *_, end in history}
    assert history == sorted(history)  # account by account, the oldest first
    assert len(history) > 9


@pytest.mark.parametrize("windows", ["period", "published", "newest"])
@pytest.mark.parametrize("start", ["2025-10-20", ""])
@pytest.mark.parametrize("days", [0, 4])
def test_sync_that_stopped_anywhere_is_completed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, windows: str, start: str, days: int
) -> None:
    whole = Source(monkeypatch, windows, start_date=start, pins_lookback_days=7)
    whole.sync(FIRST, accounts=2)
    planned = whole.planned
    whole.sync(FIRST + timedelta(days=days), accounts=2)
    for stop in range(len(planned) + 1):
        source = Source(monkeypatch, windows, start_date=start, pins_lookback_days=7)
        source.sync(FIRST, accounts=2, stop=stop)
        assert source.planned == planned
        source.sync(FIRST + timedelta(days=days), accounts=2)
        assert source.state == whole.state
        assert days_of(planned, windows) <= days_of(planned[:stop], windows) | days_of(source.planned, windows)


def days_of(planned: list[tuple[str, str, str]], windows: str) -> set[tuple[str, date]]:
    """Return the account and each publish day, or each last day of a period before the newest, that windows cover."""
    if windows == "newest":
        return {(account, date.min) for account, *_ in planned}
    if windows == "period":
        return {(account, date.fromisoformat(end)) for account, _, end in planned if end != "2026-05-19"}
    return {
        (account, date.fromisoformat(start) + timedelta(days=n))
        for account, start, end in planned
        for n in range((date.fromisoformat(end) - date.fromisoformat(start)).days + 1)
    }


def test_windows_after_a_failed_one_are_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, start_date="2026-04-29")
    source.sync(FIRST, fail=("2026-05-12",))
    (entry,) = source.state["states"]
    assert (entry["cursor"]["period_end"], entry["since"]) == ("2026-05-05", "2026-04-29")
    assert source.sync(FIRST) == ["2026-05-05", "2026-05-12", "2026-05-19"]  # the first of them became final
