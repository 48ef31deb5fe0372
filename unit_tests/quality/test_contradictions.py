"""Findings and verdicts about the same database do not contradict each other."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from oneup_pinterest.database.invalid_values import ImpossibleDays, UnreadableValues
from oneup_pinterest.database.schema import COUNTERS
from oneup_pinterest.database.stored_tables import StoredTable
from oneup_pinterest.quality.api_assumptions import judge_assumptions
from oneup_pinterest.quality.checks.context import CheckContext
from test_support.history import NOW
from unit_tests.quality.contexts import FIRST, context_of, find_by_check, frame_of, metric, pin

WINDOW = {"period_start": FIRST - timedelta(days=30), "period_end": FIRST - timedelta(days=1)}
CAP, KEPT = 5, 6


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def of_account(account: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "social_network_id": account} for row in rows]


def verdict(context: CheckContext, number: int) -> str:
    return str(judge_assumptions(context.history)["verdict"][number])


def posts(count: int, **others: Any) -> dict[str, Any]:
    return {**metric("posts", count, **WINDOW), **others}


def table_of_pins() -> StoredTable:
    return StoredTable("pins", "main", "pins", "", False, True, {}, {})


def test_longer_list_of_another_account_refutes_a_cap() -> None:
    fifty, long = [pin(n, 0) for n in range(50)], of_account("pin_b", [pin(n, 0) for n in range(130)])
    context = context_of([*fifty, *long], totals=[posts(130, social_network_id="pin_b")])
    assert verdict(context, CAP) == "supported"
    assert "possible_cap" not in find_by_check(context)
    assert "possible_cap" in find_by_check(context_of(fifty))


def test_missing_pins_leave_a_cap_undecided() -> None:
    long = of_account("pin_b", [pin(n, 0) for n in range(130)])
    context = context_of([*(pin(n, 0) for n in range(7)), *long], totals=[posts(9)])
    assert "pins are missing, although lists are not cut: another response has 130 pins" in (
        find_by_check(context)["missing_pins"].what_to_do
    )
    assert verdict(context, CAP) == "undecided"
    assert "the list may be cut" in find_by_check(context_of([pin(1, 0)], totals=[posts(2)]))["missing_pins"].what_to_do


def test_more_pins_than_posts_are_not_a_truncated_list() -> None:
    found = find_by_check(context_of([pin(n, 0) for n in range(3)], totals=[posts(2)]))["missing_pins"]
    assert "cut" not in found.what_to_do
    assert "leaves out some of these pins" in found.what_to_do


def test_duplicate_rows_do_not_count_as_pins() -> None:
    duplicated = [pin(n, 0) for n in range(25) for _ in range(2)]
    found = find_by_check(context_of(duplicated, totals=[posts(25), {**metric("impressions", 2500, **WINDOW)}]))
    assert set(found) == {"duplicate_keys"}


@pytest.mark.parametrize("reason", ["unreadable", "impossible"])
def test_pins_with_unusable_rows_are_not_missing(reason: str) -> None:
    rows = [pin(n, day) for n in range(3) for day in (0, 2)]
    context = context_of(rows, [metric("posts", 5, end=-1, days=14)], [posts(4)])
    assert {"missing_pins", "posts_differ", "days_without_snapshot"} <= set(find_by_check(context))
    if reason == "unreadable":
        partial = context._replace(
            tables=[table_of_pins()],
            unreadable=[UnreadableValues("pins.snapshot_date", "DATE", 2, 8, "n/a", True, "FROM pins")],
        )
        assert "days_without_snapshot" not in find_by_check(partial)
    else:
        late = date(2100, 1, 1)
        partial = context._replace(
            impossible=[ImpossibleDays("pins", 1, late, late, "pins", False, "DELETE FROM pins")]
        )
    assert not {"missing_pins", "posts_differ"} & set(find_by_check(partial))
    fewer_posts = context_of(rows, [metric("posts", 5, end=-1, days=14)], [posts(2)])
    more = partial._replace(history=fewer_posts.history)
    assert "missing_pins" in find_by_check(more), "more pins than posts need no unusable row as an explanation"


def test_deleted_pins_explain_more_pins_than_posts() -> None:
    overview = [metric("posts", 2, end=-1, days=14)]
    found = find_by_check(context_of([pin(n, 0) for n in range(3)], overview))["posts_differ"]
    assert "missing" not in found.what_to_do
    deleted = [pin(1, 0), pin(2, 0), pin(3, 0), pin(1, 1), pin(2, 1)]
    assert "posts_differ" not in find_by_check(context_of(deleted, overview))


def test_complete_list_of_the_period_refutes_missing_pins() -> None:
    overview = [metric("posts", 5, end=-1, days=14)]
    pins = [pin(n, 0) for n in range(3)]
    assert "posts_differ" in find_by_check(context_of(pins, overview, [posts(4)]))
    assert "posts_differ" not in find_by_check(context_of(pins, overview, [posts(3)]))


def test_undated_pins_may_be_among_the_counted_posts() -> None:
    pins = [pin(1, 0), pin(2, 0, timestamp=None)]
    found = find_by_check(context_of(pins, [metric("posts", 2, end=-1, days=14)]))
    assert "pins_without_date" in found
    assert "posts_differ" not in found


def test_posts_are_not_compared_after_a_lost_connection() -> None:
    overview = [metric(key, 0 if end == 0 else 9, end, days=14) for key in ("posts", "saves") for end in (-1, 0)]
    found = find_by_check(context_of([pin(n, day) for n in range(9) for day in (0, 1)], overview))
    assert "all_zero" in found
    assert "posts_differ" not in found


def test_glitch_does_not_make_sums_differ() -> None:
    total = metric("impressions", 201, **{**WINDOW, "period_end": FIRST + timedelta(days=2)})
    window = {"period_start": total["period_start"], "period_end": total["period_end"]}
    rows = [pin(n, day, 100 + day) for n in (1, 2) for day in range(3)]
    glitch = [{**pin(1, 3, -1), **window}, {**pin(2, 3, 103), **window}]
    found = find_by_check(context_of([*rows, *glitch], totals=[total]))
    assert "impossible_counters" in found
    assert "sums_differ" not in found
    plausible = [{**pin(n, 3, 103), **window} for n in (1, 2)]
    assert "sums_differ" in find_by_check(context_of([*rows, *plausible], totals=[total]))


def test_unknown_counters_are_neither_differences_nor_zeros() -> None:
    unknown = dict.fromkeys(COUNTERS)
    rows = [pin(n, day, 100) if day == 0 else {**pin(n, day), **unknown} for n in range(3) for day in range(2)]
    window = {"period_start": rows[-1]["period_start"], "period_end": rows[-1]["period_end"]}
    found = find_by_check(context_of(rows, totals=[metric("impressions", 500, **window)]))
    assert not {"sums_differ", "all_zero"} & set(found)


def test_sums_that_nearly_always_agree_are_expected_to_agree() -> None:
    rows = [pin(n, day, 100 + day, timestamp=datetime(2025, 6, 1)) for n in (1, 2) for day in range(9)]
    totals = [metric("impressions", 2 * (100 + day) if day < 8 else 400, end=day - 1, days=30) for day in range(9)]
    context = context_of(rows, totals=totals)
    # seven of eight do not count as nearly always
    assert "Do not expect" in find_by_check(context)["sums_differ"].what_to_do
    many = [pin(n, day, 100 + day, timestamp=datetime(2025, 6, 1)) for n in (1, 2) for day in range(25)]
    agreeing = [metric("impressions", 2 * (100 + day) if day < 24 else 400, end=day - 1, days=30) for day in range(25)]
    found = find_by_check(context_of(many, totals=agreeing))["sums_differ"]
    assert "in nearly all other responses the two agree" in found.what_to_do


def test_rolling_counters_are_neither_reverted_nor_unconfirmed() -> None:
    values = [20, 90, 21, 200, 25, 400, 22, 190, 23, 350, 24, 180, 22, 9000]
    rows = [pin(n, day, value + n) for n in range(6) for day, value in enumerate(values)]
    found = find_by_check(context_of(rows))
    assert "rolling_counters" in found
    assert not {"counters_taken_back", "unconfirmed_gains"} & set(found)


def test_reset_that_begins_with_zeros_is_not_a_lost_connection() -> None:
    def history(*values: int) -> dict[str, Any]:
        return find_by_check(context_of([pin(n, day, value) for n in range(4) for day, value in enumerate(values)]))

    reset = history(500, 510, 0, 3, 6, 9)
    assert "all_zero" not in reset
    assert {"counters_reset", "pins_reset"} & set(reset)
    lost = history(500, 510, 0, 530, 540)
    assert "all_zero" in lost
    assert not {"counters_reset", "pins_reset"} & set(lost)


def test_zeros_of_new_pins_or_after_a_glitch_are_not_a_lost_connection() -> None:
    old = [pin(n, day, 100 + day) for n in range(3) for day in range(2)]
    new = [pin(n, 2, 0) for n in range(5, 8)]
    assert "all_zero" not in find_by_check(context_of([*old, *new]))
    spiked = [pin(n, day, 900_000 if day == 2 else 0) for n in range(4) for day in range(6)]
    found = find_by_check(context_of(spiked))
    assert "counters_taken_back" in found
    assert not {"all_zero", "unconfirmed_gains"} & set(found)


def test_older_nonzero_figures_refute_a_retention_limit() -> None:
    def periods(account: str, old: list[float]) -> list[dict[str, Any]]:
        values = [*old, *[7.0] * 6]
        ends = range(-7 * len(values), 0, 7)
        return [
            metric("saves", value, end, days=7, synced=45, preset="last_7_days", social_network_id=account)
            for value, end in zip(values, ends, strict=True)
        ]

    assert "older_than_kept" in find_by_check(context_of(overview=periods("pin_a", [0.0] * 4)))
    assert "older_than_kept" not in find_by_check(context_of(overview=periods("pin_a", [5.0, 5.0, 0.0, 5.0])))
    kept = [row for n in range(9) for row in periods(f"pin_{n}", [5.0] * 4)]
    context = context_of(overview=[*kept, *periods("pin_z", [0.0])])
    assert verdict(context, KEPT) == "contradicted"
    assert "older_than_kept" not in find_by_check(context)


def test_finding_of_stale_data_names_a_later_failed_run() -> None:
    last = NOW - timedelta(days=3)
    run = {"run_id": "1", "started_at": NOW - timedelta(hours=5), "status": "failed", "error": "no network"}
    context = context_of()._replace(last_sync=last, runs=frame_of("_sync_runs", [run]))
    found = find_by_check(context)
    assert "failed_run" in found
    assert "what stopped the syncs since" in found["stale_data"].what_to_do
    assert (
        "why no sync has run since"
        in find_by_check(context._replace(runs=frame_of("_sync_runs", ())))["stale_data"].what_to_do
    )


def test_glitch_does_not_separate_duplicate_images() -> None:
    rows = [pin(n, day, 50 + day, media_url="one.jpg") for n in (1, 2) for day in range(6)]
    glitched = [
        {**row, "impressions": 900_000} if (row["id"], row["snapshot_date"].day) == ("1", 3) else row for row in rows
    ]
    found = find_by_check(context_of(glitched))
    assert "counters_taken_back" in found
    assert found["duplicate_images"].what == find_by_check(context_of(rows))["duplicate_images"].what.replace(
        "6 snapshots", "5 snapshots"
    )
    assert pl.DataFrame(glitched).height == 12
