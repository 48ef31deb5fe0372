"""Two things said of one file never contradict each other: what the data refute is not shown."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from oneup_pinterest.database.sources import Table
from oneup_pinterest.database.views import ImpossibleDays, Unreadable
from oneup_pinterest.quality.api_assumptions import assumptions
from oneup_pinterest.quality.checks.context import CheckContext
from unit_tests.factories.history import NOW
from unit_tests.quality.test_findings import FIRST, facts, found, metric, pin, relation

WINDOW = {"period_start": FIRST - timedelta(days=30), "period_end": FIRST - timedelta(days=1)}
CAP, KEPT = 5, 6


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def of_account(account: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "social_network_id": account} for row in rows]


def verdict(these: CheckContext, number: int) -> str:
    return str(assumptions(these.history)["verdict"][number])


def posts(count: int, **others: Any) -> dict[str, Any]:
    return {**metric("posts", count, **WINDOW), **others}


def table_of_pins() -> Table:
    return Table("pins", "main", "pins", "", False, True, {}, {})


def test_a_longer_list_of_another_account_refutes_a_cap() -> None:
    fifty, long = [pin(n, 0) for n in range(50)], of_account("pin_b", [pin(n, 0) for n in range(130)])
    these = facts([*fifty, *long], totals=[posts(130, social_network_id="pin_b")])
    assert verdict(these, CAP) == "supported"
    assert "possible_cap" not in found(these)
    assert "possible_cap" in found(facts(fifty))


def test_pins_that_are_missing_leave_no_list_supported_as_whole() -> None:
    long = of_account("pin_b", [pin(n, 0) for n in range(130)])
    these = facts([*(pin(n, 0) for n in range(7)), *long], totals=[posts(9)])
    assert (
        "pins are missing, although the list is not cut: there is one of 130 pins"
        in (found(these)["missing_pins"]["what_to_do"])
    )
    assert verdict(these, CAP) == "cannot tell"
    assert "the list may be cut" in found(facts([pin(1, 0)], totals=[posts(2)]))["missing_pins"]["what_to_do"]


def test_a_list_of_more_pins_than_posts_is_not_called_cut() -> None:
    told = found(facts([pin(n, 0) for n in range(3)], totals=[posts(2)]))["missing_pins"]
    assert "cut" not in told["what_to_do"]
    assert "leaves out some of these pins" in told["what_to_do"]


def test_rows_that_are_there_twice_are_no_pins_of_their_own() -> None:
    twice = [pin(n, 0) for n in range(25) for _ in range(2)]
    told = found(facts(twice, totals=[posts(25), {**metric("impressions", 2500, **WINDOW)}]))
    assert set(told) == {"duplicate_keys"}


@pytest.mark.parametrize("reason", ["unreadable", "impossible"])
def test_pins_whose_rows_are_left_out_are_not_called_missing(reason: str) -> None:
    rows = [pin(n, day) for n in range(3) for day in (0, 2)]
    these = facts(rows, [metric("posts", 5, end=-1, days=14)], [posts(4)])
    assert {"missing_pins", "posts_differ", "days_without_snapshot"} <= set(found(these))
    if reason == "unreadable":
        cut = these._replace(
            tables=[table_of_pins()],
            unreadable=[Unreadable("pins.snapshot_date", "DATE", 2, 8, "n/a", True, "FROM pins")],
        )
        assert "days_without_snapshot" not in found(cut)
    else:
        late = date(2100, 1, 1)
        cut = these._replace(impossible=[ImpossibleDays("pins", 1, late, late, "pins", False, "DELETE FROM pins")])
    assert not {"missing_pins", "posts_differ"} & set(found(cut))
    fewer = facts(rows, [metric("posts", 5, end=-1, days=14)], [posts(2)])
    more = cut._replace(history=fewer.history)
    assert "missing_pins" in found(more), "more pins than posts need no row that is left out"


def test_more_pins_than_posts_are_not_called_missing_and_deleted_ones_explain_them() -> None:
    overview = [metric("posts", 2, end=-1, days=14)]
    told = found(facts([pin(n, 0) for n in range(3)], overview))["posts_differ"]
    assert "missing" not in told["what_to_do"]
    deleted = [pin(1, 0), pin(2, 0), pin(3, 0), pin(1, 1), pin(2, 1)]
    assert "posts_differ" not in found(facts(deleted, overview))


def test_a_whole_list_over_the_period_refutes_missing_pins() -> None:
    overview = [metric("posts", 5, end=-1, days=14)]
    pins = [pin(n, 0) for n in range(3)]
    assert "posts_differ" in found(facts(pins, overview, [posts(4)]))
    assert "posts_differ" not in found(facts(pins, overview, [posts(3)]))


def test_pins_without_a_date_may_be_those_that_are_counted() -> None:
    pins = [pin(1, 0), pin(2, 0, timestamp=None)]
    told = found(facts(pins, [metric("posts", 2, end=-1, days=14)]))
    assert "pins_without_date" in told
    assert "posts_differ" not in told


def test_posts_of_a_lost_connection_are_not_counted_against_the_pins() -> None:
    overview = [metric(key, 0 if end == 0 else 9, end, days=14) for key in ("posts", "saves") for end in (-1, 0)]
    told = found(facts([pin(n, day) for n in range(9) for day in (0, 1)], overview))
    assert "all_zero" in told
    assert "posts_differ" not in told


def test_a_glitch_makes_no_sum_differ() -> None:
    total = metric("impressions", 201, **{**WINDOW, "period_end": FIRST + timedelta(days=2)})
    window = {"period_start": total["period_start"], "period_end": total["period_end"]}
    rows = [pin(n, day, 100 + day) for n in (1, 2) for day in range(3)]
    glitch = [{**pin(1, 3, -1), **window}, {**pin(2, 3, 103), **window}]
    told = found(facts([*rows, *glitch], totals=[total]))
    assert "impossible_counters" in told
    assert "sums_differ" not in told
    fine = [{**pin(n, 3, 103), **window} for n in (1, 2)]
    assert "sums_differ" in found(facts([*rows, *fine], totals=[total]))


def test_counters_that_are_missing_make_no_sum_differ_and_no_zeros() -> None:
    unknown = dict.fromkeys(("impressions", "saves", "comments", "repins", "clicks"))
    rows = [pin(n, day, 100) if day == 0 else {**pin(n, day), **unknown} for n in range(3) for day in range(2)]
    window = {"period_start": rows[-1]["period_start"], "period_end": rows[-1]["period_end"]}
    told = found(facts(rows, totals=[metric("impressions", 500, **window)]))
    assert not {"sums_differ", "all_zero"} & set(told)


def test_sums_that_agree_nearly_always_are_not_said_never_to_agree() -> None:
    rows = [pin(n, day, 100 + day, timestamp=datetime(2025, 6, 1)) for n in (1, 2) for day in range(9)]
    totals = [metric("impressions", 2 * (100 + day) if day < 8 else 400, end=day - 1, days=30) for day in range(9)]
    these = facts(rows, totals=totals)
    # seven of eight is not nearly always
    assert "do not expect" in found(these)["sums_differ"]["what_to_do"]
    many = [pin(n, day, 100 + day, timestamp=datetime(2025, 6, 1)) for n in (1, 2) for day in range(25)]
    agreeing = [metric("impressions", 2 * (100 + day) if day < 24 else 400, end=day - 1, days=30) for day in range(25)]
    told = found(facts(many, totals=agreeing))["sums_differ"]
    assert "in nearly all other answers the two agree" in told["what_to_do"]


def test_counters_that_roll_are_neither_taken_back_nor_unconfirmed() -> None:
    values = [20, 90, 21, 200, 25, 400, 22, 190, 23, 350, 24, 180, 22, 9000]
    rows = [pin(n, day, value + n) for n in range(6) for day, value in enumerate(values)]
    told = found(facts(rows))
    assert "rolling_counters" in told
    assert not {"counters_taken_back", "unconfirmed_gains"} & set(told)


def test_a_reset_that_begins_with_zeros_is_no_lost_connection() -> None:
    def history(*values: int) -> dict[str, Any]:
        return found(facts([pin(n, day, value) for n in range(4) for day, value in enumerate(values)]))

    reset = history(500, 510, 0, 3, 6, 9)
    assert "all_zero" not in reset
    assert {"counters_reset", "pins_reset"} & set(reset)
    lost = history(500, 510, 0, 530, 540)
    assert "all_zero" in lost
    assert not {"counters_reset", "pins_reset"} & set(lost)


def test_zeros_of_new_pins_and_after_a_glitch_are_no_lost_connection() -> None:
    old = [pin(n, day, 100 + day) for n in range(3) for day in range(2)]
    new = [pin(n, 2, 0) for n in range(5, 8)]
    assert "all_zero" not in found(facts([*old, *new]))
    spiked = [pin(n, day, 900_000 if day == 2 else 0) for n in range(4) for day in range(6)]
    told = found(facts(spiked))
    assert "counters_taken_back" in told
    assert not {"all_zero", "unconfirmed_gains"} & set(told)


def test_figures_from_before_refute_that_zeros_are_too_old() -> None:
    def periods(account: str, old: list[float]) -> list[dict[str, Any]]:
        values = [*old, *[7.0] * 6]
        ends = range(-7 * len(values), 0, 7)
        return [
            metric("saves", value, end, days=7, synced=45, preset="last_7_days", social_network_id=account)
            for value, end in zip(values, ends, strict=True)
        ]

    assert "older_than_kept" in found(facts(overview=periods("pin_a", [0.0] * 4)))
    assert "older_than_kept" not in found(facts(overview=periods("pin_a", [5.0, 5.0, 0.0, 5.0])))
    kept = [row for n in range(9) for row in periods(f"pin_{n}", [5.0] * 4)]
    these = facts(overview=[*kept, *periods("pin_z", [0.0])])
    assert verdict(these, KEPT) == "contradicted"
    assert "older_than_kept" not in found(these)


def test_a_run_that_failed_since_is_not_said_never_to_have_run() -> None:
    last = NOW - timedelta(days=3)
    run = {"run_id": "1", "started_at": NOW - timedelta(hours=5), "status": "failed", "error": "no network"}
    these = facts()._replace(last_sync=last, runs=relation("_sync_runs", [run]))
    told = found(these)
    assert "failed_run" in told
    assert "see what stopped the syncs since" in told["stale_data"]["what_to_do"]
    assert "no sync ran since" in found(these._replace(runs=relation("_sync_runs", ())))["stale_data"]["what_to_do"]


def test_twins_are_not_told_apart_by_a_glitch() -> None:
    rows = [pin(n, day, 50 + day, media_url="one.jpg") for n in (1, 2) for day in range(6)]
    glitched = [
        {**row, "impressions": 900_000} if (row["id"], row["snapshot_date"].day) == ("1", 3) else row for row in rows
    ]
    told = found(facts(glitched))
    assert "counters_taken_back" in told
    assert told["twin_pins"]["what"] == found(facts(rows))["twin_pins"]["what"].replace("6 snapshots", "5 snapshots")
    assert pl.DataFrame(glitched).height == 12
