"""An assumption about the API is supported or contradicted only if the data decide it."""

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


def daily_pins(
    days: int = 20,
    lists: Callable[[date, date, date], bool] = published_in,
    counts: Callable[[int], int] = lambda age: 100 + 10 * age,
    cap: int = 10_000,
) -> pl.DataFrame:
    """Return one pin per day, observed at daily syncs with a window of 30 days.

    `lists` decides whether a window lists a pin, and `counts` returns its counter by its age in days.
    """
    rows: Rows = []
    for day in range(days):
        on = FIRST + timedelta(days=day)
        start, end = on - timedelta(days=LENGTH), on - timedelta(days=1)
        published_days = [on - timedelta(days=age) for age in range(1, 80)]
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
            for published in [published for published in published_days if lists(published, start, end)][:cap]
        ]
    return pl.DataFrame(rows, schema=TABLES["pins"].schema)


def totals_of(pins: pl.DataFrame, factor: float = 1.0, posts: int = 0) -> pl.DataFrame:
    """Return totals of the pins: their sums times `factor`, and `posts` more posts than pins."""
    window = ["social_network_id", "period_start", "period_end"]
    sums = pins.group_by(window).agg(impressions=pl.col("impressions").sum() * factor, posts=pl.len() + posts)
    long = sums.cast({"impressions": pl.Float64, "posts": pl.Float64}).unpivot(
        index=window, variable_name="key", value_name="value_current_period"
    )
    return pl.concat([pl.DataFrame(schema=TABLES["pin_totals"].schema), long], how="diagonal")


def verdict_of(
    number: int, pins: pl.DataFrame, totals: pl.DataFrame | None = None, overview: pl.DataFrame | None = None
) -> str:
    frame = judge_assumptions(LoadedHistory(pins, pin_totals=totals, overview=overview))
    assert frame.schema == pl.Schema(SCHEMA)
    assert frame["evidence"].str.len_chars().min() > 20  # type: ignore[operator]
    verdict: str = frame["verdict"][number]
    return verdict


def test_windows_with_both_edges_support_both_edge_assumptions() -> None:
    pins = daily_pins()
    assert verdict_of(INCLUDES_FIRST, pins) == verdict_of(INCLUDES_LAST, pins) == "supported"


def test_excluded_first_day_contradicts_its_assumption() -> None:
    pins = daily_pins(lists=lambda published, start, end: start < published <= end)
    assert (verdict_of(INCLUDES_FIRST, pins), verdict_of(INCLUDES_LAST, pins)) == ("contradicted", "supported")


def test_excluded_last_day_contradicts_its_assumption() -> None:
    pins = daily_pins(lists=lambda published, start, end: start <= published < end)
    assert (verdict_of(INCLUDES_FIRST, pins), verdict_of(INCLUDES_LAST, pins)) == ("supported", "contradicted")


def test_one_sync_with_few_pins_leaves_the_edges_undecided() -> None:
    pins = daily_pins(days=1)
    assert verdict_of(INCLUDES_FIRST, pins) == verdict_of(INCLUDES_LAST, pins) == "undecided"


def test_many_accounts_without_pins_on_the_last_day_contradict() -> None:
    one = daily_pins(days=1, lists=lambda published, start, end: start < published < end)
    pins = pl.concat(one.with_columns(social_network_id=pl.lit(f"pin_{number}")) for number in range(10))
    assert verdict_of(INCLUDES_LAST, pins) == "contradicted"
    assert verdict_of(INCLUDES_LAST, pins.filter(pl.col("social_network_id") < "pin_3")) == "undecided"


def test_last_day_listed_for_half_of_the_pins_is_undecided() -> None:
    pins = daily_pins(
        lists=lambda published, start, end: (
            published_in(published, start, end) and (published < end or published.day % 2 == 0)
        )
    )
    assert verdict_of(INCLUDES_LAST, pins) == "undecided"


def test_gaining_pins_that_leave_the_list_support_membership() -> None:
    assert verdict_of(MEMBERSHIP, daily_pins(days=20)) == "supported"
    assert verdict_of(MEMBERSHIP, daily_pins(days=4)) == "undecided"
    assert verdict_of(MEMBERSHIP, daily_pins(days=20, counts=lambda age: 100)) == "undecided"


def test_older_pins_in_responses_contradict_membership() -> None:
    assert verdict_of(MEMBERSHIP, daily_pins(lists=lambda published, start, end: published <= end)) == "contradicted"


def test_lifetime_counters_need_pins_older_than_90_days() -> None:
    def all_pins(published: date, start: date, end: date) -> bool:
        return published <= end

    assert verdict_of(COUNTERS, daily_pins()) == "undecided"
    assert verdict_of(COUNTERS, daily_pins(days=60, lists=all_pins)) == "undecided"
    older = daily_pins(days=20, lists=all_pins).with_columns(pl.col("timestamp").dt.offset_by("-60d"))
    assert verdict_of(COUNTERS, older) == "supported"


def test_falling_counters_contradict_lifetime_counters() -> None:
    windowed = daily_pins(
        lists=lambda published, start, end: published <= end,
        counts=lambda age: max(0, 40 * min(age, 10) - 5 * max(0, age - 10)),
    )
    assert verdict_of(COUNTERS, windowed) == "contradicted"


def test_counters_of_the_window_contradict_lifetime_counters() -> None:
    day = pl.col("snapshot_date").dt.day()
    short = day % 10 == 0
    pins = daily_pins().with_columns(
        period_start=pl.when(short).then(pl.col("period_end").dt.offset_by("-6d")).otherwise("period_start"),
        impressions=pl.when(short).then(pl.col("impressions") - 60).otherwise("impressions"),
    )
    assert verdict_of(COUNTERS, pins) == "contradicted"


def test_totals_are_compared_only_if_there_are_older_pins() -> None:
    pins = daily_pins()
    assert verdict_of(TOTALS, pins, totals_of(pins, 1.3)) == "supported"
    assert verdict_of(TOTALS, pins, totals_of(pins)) == "contradicted"
    young = pins.filter(pl.col("timestamp") >= pl.col("period_start").max())
    assert verdict_of(TOTALS, young, totals_of(young)) == "undecided"
    is_early = pl.col("snapshot_date") < FIRST + timedelta(days=10)
    mixed = pl.concat([totals_of(pins.filter(is_early), 1.3), totals_of(pins.filter(~is_early))])
    assert verdict_of(TOTALS, pins, mixed) == "undecided"


@pytest.mark.parametrize(
    ("pins_per_window", "more_posts", "verdict"),
    [(30, 0, "undecided"), (50, 0, "undecided"), (50, 4, "contradicted"), (130, 0, "supported")],
)
def test_cap_is_distinguished_from_few_pins(pins_per_window: int, more_posts: int, verdict: str) -> None:
    one = daily_pins(days=1).head(1)
    pins = pl.concat(one.with_columns(id=pl.lit(f"{number}")) for number in range(pins_per_window))
    assert verdict_of(CAP, pins, totals_of(pins, posts=more_posts)) == verdict


@pytest.mark.parametrize(("old", "verdict"), [(0.0, "supported"), (9.0, "contradicted")])
def test_figures_older_than_90_days_contradict_the_retention_limit(old: float, verdict: str) -> None:
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
    assert verdict_of(KEPT, daily_pins(days=1), overview=overview) == verdict
    assert verdict_of(KEPT, daily_pins(days=1), overview=overview.head(15)) == "undecided"


def test_duplicate_images_with_different_counters_contradict() -> None:
    pins = daily_pins(days=3, counts=lambda age: 100)
    same = pl.concat([pins, pins.with_columns(id=pl.col("id") + "/duplicate")])
    other = pl.concat([pins, pins.with_columns(id=pl.col("id") + "/duplicate", impressions=pl.col("impressions") + 1)])
    assert verdict_of(DUPLICATES, same) == "supported"
    assert verdict_of(DUPLICATES, other) == "contradicted"
    assert verdict_of(DUPLICATES, pins) == "undecided"
