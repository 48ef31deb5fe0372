"""Glitches: what a fault of the API does not reach stays as it is, in rankings, verdicts and the whole report."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import counters_by_age
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.latest import latest_counters
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.history.pin_rates import pin_rates
from oneup_pinterest.questions.movers.statistic import pin_movers
from oneup_pinterest.questions.rates.answer import ranking_answer

FIRST = date(2026, 1, 1)
PINS, DAYS = 12, 40


def watched(days: int = DAYS) -> pl.DataFrame:
    """Old pins of which each gains the same every day."""
    return pl.DataFrame(
        [
            {
                "social_network_id": "pin_a",
                "id": f"{number:02}",
                "timestamp": datetime(2025, 6, 1),
                "text": f"Pin {number}",
                "permalink": None,
                "format": "pin",
                "media_type": "IMAGE",
                "media_url": f"{number}.jpg",
                "snapshot_date": FIRST + timedelta(days=day),
                "impressions": 50_000 + (1_000 + number) * day,
                "saves": 500 + (10 + number) * day,
                "comments": day,
                "repins": 2 * day,
                "clicks": 300 + 3 * day,
            }
            for number in range(PINS)
            for day in range(days)
        ],
        schema_overrides={"permalink": pl.String},
    )


def with_value(
    pins: pl.DataFrame, value: int | None, days: range, metric: str = "saves", pin: str = "03"
) -> pl.DataFrame:
    """The pins with another value of one counter of one pin on some days."""
    seen = pl.col("snapshot_date").is_between(FIRST + timedelta(days=days.start), FIRST + timedelta(days=days.stop - 1))
    return pins.with_columns(
        pl.when(seen & (pl.col("id") == pin)).then(pl.lit(value, pl.Int64)).otherwise(metric).alias(metric)
    )


@pytest.mark.parametrize(
    ("metric", "value", "glitched"),
    [
        ("saves", -5, range(DAYS - 1, DAYS)),  # impossible
        ("saves", 2**60, range(DAYS - 2, DAYS)),
        ("impressions", -1, range(DAYS - 1, DAYS)),
        ("saves", 90_000, range(DAYS - 1, DAYS)),  # a rise that may still be taken back
        ("impressions", 90_000_000, range(DAYS - 3, DAYS)),
        ("saves", None, range(DAYS - 1, DAYS)),
    ],
)
def test_newest_counters_that_are_not_to_be_believed_reach_no_ranking(
    metric: str, value: int | None, glitched: range
) -> None:
    odd = with_value(watched(), value, glitched, metric)
    last_good = FIRST + timedelta(days=glitched.start - 1)
    expected = pl.concat(
        [
            watched().filter(pl.col("id") != "03"),
            watched().filter(pl.col("snapshot_date") <= last_good, pl.col("id") == "03"),
        ]
    )
    rates = pin_rates(AccountHistory.from_pins(odd))
    assert rates.drop("is_earlier").equals(pin_rates(AccountHistory.from_pins(expected)).drop("is_earlier"))
    assert rates.filter("is_earlier")["id"].to_list() == ["03"]
    for side in ("best", "worst"):
        notes = " ".join(ranking_answer(AccountHistory.from_pins(odd), "saves", side).notes)
        assert "Of 1 pin the newest counters are missing, cannot be or may still be taken back" in notes
        assert "may still be taken back" not in " ".join(
            ranking_answer(AccountHistory.from_pins(watched()), "saves", side).notes
        )


def test_a_snapshot_of_zeros_for_all_pins_does_not_end_the_rankings() -> None:
    is_last = pl.col("snapshot_date") == FIRST + timedelta(days=DAYS - 1)
    zeros = watched().with_columns(pl.when(is_last).then(0).otherwise(metric).alias(metric) for metric in METRICS)
    rates = pin_rates(AccountHistory.from_pins(zeros))
    assert rates.drop("is_earlier").equals(pin_rates(AccountHistory.from_pins(watched(DAYS - 1))).drop("is_earlier"))
    assert rates["is_earlier"].all()


def test_counters_of_one_moment_stay_together_and_clean_ones_stay_the_newest() -> None:
    odd = with_value(watched(), -1, range(DAYS - 1, DAYS), "saves")
    latest = latest_counters(LoadedHistory(odd), ("impressions", "saves"))
    glitched = latest.filter(pl.col("id") == "03")
    assert glitched.select("impressions", "saves").row(0) == (50_000 + 1_003 * (DAYS - 2), 500 + 13 * (DAYS - 2))
    newest = watched().filter(pl.col("snapshot_date") == FIRST + timedelta(days=DAYS - 1))
    assert latest.filter(~pl.col("is_earlier")).select(newest.columns).equals(newest.filter(pl.col("id") != "03"))


def test_a_new_pin_whose_only_counts_may_be_taken_back_has_no_rate_yet() -> None:
    is_last = pl.col("snapshot_date") == FIRST + timedelta(days=DAYS - 1)
    new = (
        watched()
        .filter(is_last, pl.col("id") == "00")
        .with_columns(
            id=pl.lit("new"),
            timestamp=pl.lit(datetime.combine(FIRST + timedelta(days=DAYS - 2), datetime.min.time())),
            impressions=pl.lit(9_000_000, pl.Int64),
            saves=pl.lit(800_000, pl.Int64),
        )
    )
    rates = pin_rates(AccountHistory.from_pins(pl.concat([watched(), new])))
    assert rates.filter(pl.col("id") == "new").select("rate", "reason").row(0) == (
        None,
        "a rise that may still be taken back",
    )
    assert rates.filter(pl.col("id") != "new").equals(pin_rates(AccountHistory.from_pins(watched())))


def test_a_rise_that_may_be_taken_back_is_in_no_verdict_until_it_is_confirmed() -> None:
    # seen at the last three snapshots: the day that it is booked on is no longer one of the last two
    pins = with_value(watched(), 90_000, range(DAYS - 3, DAYS))
    by_day = account_daily_gains(LoadedHistory(pins), ["saves"])
    assert by_day.filter("is_provisional")["day"].to_list() == [
        FIRST + timedelta(days=DAYS - back) for back in (4, 3, 2)
    ]
    change = account_change(AccountHistory.from_pins(pins), 14, ["saves"]).row(0, named=True)
    assert change["now_end"] == FIRST + timedelta(days=DAYS - 5)
    assert (change["now"], change["change"]) == (change["before"], 0.0)
    assert "03" not in pin_movers(AccountHistory.from_pins(pins))["id"].to_list()
    assert counters_by_age(LoadedHistory(pins), ["saves"]).filter(pl.col("id") == "03")["value"].max() == 500 + 13 * (
        DAYS - 4
    )
    later = pl.concat(
        [
            pins,
            watched(DAYS + 1)
            .filter(pl.col("snapshot_date") == FIRST + timedelta(days=DAYS))
            .with_columns(saves=pl.when(pl.col("id") == "03").then(pl.lit(90_013, pl.Int64)).otherwise("saves")),
        ]
    )
    settled = account_change(AccountHistory.from_pins(later), 14, ["saves"]).row(0, named=True)
    assert settled["now_end"] == FIRST + timedelta(days=DAYS - 3)
    assert settled["now"] > 80_000
    assert pin_movers(AccountHistory.from_pins(later)).filter(pl.col("id") == "03")["verdict"].to_list() == ["more"]
