"""Assumptions about the API: each verdict is reached in both directions, and only once the data decide."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.api_assumptions import SCHEMA, judge_assumptions

FIRST = date(2026, 3, 1)
LENGTH = 30  # days of a window
INCLUDES_FIRST, INCLUDES_LAST, MEMBERSHIP, COUNTERS, TOTALS, CAP, KEPT, DUPLICATES = range(8)
Rows = list[dict[str, Any]]


def published_in(published: date, start: date, end: date) -> bool:
    return start <= published <= end


def world(
    days: int = 20,
    lists: Callable[[date, date, date], bool] = published_in,
    counts: Callable[[int], int] = lambda age: 100 + 10 * age,
    cap: int = 10_000,
) -> pl.DataFrame:
    """One pin a day, seen at daily syncs with a window of 30 days; `lists` says whether a window has a pin."""
    rows: Rows = []
    for day in range(days):
        on = FIRST + timedelta(days=day)
        start, end = on - timedelta(days=LENGTH), on - timedelta(days=1)
        born = [on - timedelta(days=age) for age in range(1, 80)]
        rows += [
            {
                "social_network_id": "pin_a",
                "id": str(published),
                "snapshot_date": on,
                "period_start": start,
                "period_end": end,
                "timestamp": datetime(published.year, published.month, published.day, 12),
                "impressions": counts((on - published).days),
                "media_url": f"{published}.jpg",
            }
            for published in [published for published in born if lists(published, start, end)][:cap]
        ]
    return pl.DataFrame(rows, schema=TABLES["pins"].schema)


def totals_of(pins: pl.DataFrame, factor: float = 1.0, posts: int = 0) -> pl.DataFrame:
    """Totals beside the pins: their sums times `factor`, and `posts` more posts than pins."""
    window = ["social_network_id", "period_start", "period_end"]
    sums = pins.group_by(window).agg(impressions=pl.col("impressions").sum() * factor, posts=pl.len() + posts)
    long = sums.cast({"impressions": pl.Float64, "posts": pl.Float64}).unpivot(
        index=window, variable_name="key", value_name="value_current_period"
    )
    return pl.concat([pl.DataFrame(schema=TABLES["pin_totals"].schema), long], how="diagonal")


def judged(
    number: int, pins: pl.DataFrame, totals: pl.DataFrame | None = None, overview: pl.DataFrame | None = None
) -> str:
    frame = judge_assumptions(LoadedHistory(pins, pin_totals=totals, overview=overview))
    assert frame.schema == pl.Schema(SCHEMA)
    assert frame["evidence"].str.len_chars().min() > 20  # type: ignore[operator]
    verdict: str = frame["verdict"][number]
    return verdict


def test_both_edges_of_a_window_are_included() -> None:
    pins = world()
    assert judged(INCLUDES_FIRST, pins) == judged(INCLUDES_LAST, pins) == "supported"


def test_an_exclusive_first_day_contradicts() -> None:
    pins = world(lists=lambda published, start, end: start < published <= end)
    assert (judged(INCLUDES_FIRST, pins), judged(INCLUDES_LAST, pins)) == ("contradicted", "supported")


def test_an_exclusive_last_day_contradicts() -> None:
    pins = world(lists=lambda published, start, end: start <= published < end)
    assert (judged(INCLUDES_FIRST, pins), judged(INCLUDES_LAST, pins)) == ("supported", "contradicted")


def test_one_sync_with_few_pins_leaves_the_edges_undecided() -> None:
    pins = world(days=1)
    assert judged(INCLUDES_FIRST, pins) == judged(INCLUDES_LAST, pins) == "undecided"


def test_many_accounts_without_a_pin_on_the_edge_contradict() -> None:
    one = world(days=1, lists=lambda published, start, end: start < published < end)
    pins = pl.concat(one.with_columns(social_network_id=pl.lit(f"pin_{number}")) for number in range(10))
    assert judged(INCLUDES_LAST, pins) == "contradicted"
    assert judged(INCLUDES_LAST, pins.filter(pl.col("social_network_id") < "pin_3")) == "undecided"


def test_edges_listed_for_half_of_the_pins_are_undecided() -> None:
    pins = world(
        lists=lambda published, start, end: (
            published_in(published, start, end) and (published < end or published.day % 2 == 0)
        )
    )
    assert judged(INCLUDES_LAST, pins) == "undecided"


def test_pins_that_leave_while_they_gain_support_membership() -> None:
    assert judged(MEMBERSHIP, world(days=20)) == "supported"
    assert judged(MEMBERSHIP, world(days=4)) == "undecided"
    assert judged(MEMBERSHIP, world(days=20, counts=lambda age: 100)) == "undecided"


def test_older_pins_in_responses_contradict_membership() -> None:
    assert judged(MEMBERSHIP, world(lists=lambda published, start, end: published <= end)) == "contradicted"


def test_lifetime_counters_need_pins_older_than_90_days() -> None:
    def all_pins(published: date, start: date, end: date) -> bool:
        return published <= end

    assert judged(COUNTERS, world()) == "undecided"
    assert judged(COUNTERS, world(days=60, lists=all_pins)) == "undecided"
    older = world(days=20, lists=all_pins).with_columns(pl.col("timestamp").dt.offset_by("-60d"))
    assert judged(COUNTERS, older) == "supported"


def test_counters_of_a_window_contradict() -> None:
    windowed = world(
        lists=lambda published, start, end: published <= end,
        counts=lambda age: max(0, 40 * min(age, 10) - 5 * max(0, age - 10)),
    )
    assert judged(COUNTERS, windowed) == "contradicted"


def test_counters_that_follow_the_requested_window_contradict() -> None:
    day = pl.col("snapshot_date").dt.day()
    short = day % 10 == 0
    pins = world().with_columns(
        period_start=pl.when(short).then(pl.col("period_end").dt.offset_by("-6d")).otherwise("period_start"),
        impressions=pl.when(short).then(pl.col("impressions") - 60).otherwise("impressions"),
    )
    assert judged(COUNTERS, pins) == "contradicted"


def test_totals_are_compared_where_there_are_older_pins() -> None:
    pins = world()
    assert judged(TOTALS, pins, totals_of(pins, 1.3)) == "supported"
    assert judged(TOTALS, pins, totals_of(pins)) == "contradicted"
    young = pins.filter(pl.col("timestamp") >= pl.col("period_start").max())
    assert judged(TOTALS, young, totals_of(young)) == "undecided"
    is_early = pl.col("snapshot_date") < FIRST + timedelta(days=10)
    mixed = pl.concat([totals_of(pins.filter(is_early), 1.3), totals_of(pins.filter(~is_early))])
    assert judged(TOTALS, pins, mixed) == "undecided"


@pytest.mark.parametrize(
    ("pins_a_window", "more_posts", "verdict"),
    [(30, 0, "undecided"), (50, 0, "undecided"), (50, 4, "contradicted"), (130, 0, "supported")],
)
def test_a_cap_is_distinguished_from_few_pins(pins_a_window: int, more_posts: int, verdict: str) -> None:
    one = world(days=1).head(1)
    pins = pl.concat(one.with_columns(id=pl.lit(f"{number}")) for number in range(pins_a_window))
    assert judged(CAP, pins, totals_of(pins, posts=more_posts)) == verdict


@pytest.mark.parametrize(("old", "verdict"), [(0.0, "supported"), (9.0, "contradicted")])
def test_figures_older_than_90_days_contradict_retention(old: float, verdict: str) -> None:
    rows = [
        {
            "social_network_id": "pin_a",
            "preset": "last_7_days",
            "key": "saves",
            "period_end": end,
            "period_start": end - timedelta(days=6),
            "_airbyte_extracted_at": datetime(2026, 3, 1),
            "value_current_period": old if (FIRST - end).days > 90 else 5.0,
        }
        for end in (FIRST - timedelta(days=7 * week + 1) for week in range(30))
    ]
    overview = pl.DataFrame(rows, schema=TABLES["overview_metrics"].schema)
    assert judged(KEPT, world(days=1), overview=overview) == verdict
    assert judged(KEPT, world(days=1), overview=overview.head(15)) == "undecided"


def test_duplicate_images_with_other_counters_contradict() -> None:
    pins = world(days=3, counts=lambda age: 100)
    same = pl.concat([pins, pins.with_columns(id=pl.col("id") + "/duplicate")])
    other = pl.concat([pins, pins.with_columns(id=pl.col("id") + "/duplicate", impressions=pl.col("impressions") + 1)])
    assert judged(DUPLICATES, same) == "supported"
    assert judged(DUPLICATES, other) == "contradicted"
    assert judged(DUPLICATES, pins) == "undecided"
