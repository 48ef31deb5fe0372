"""A glitch of the API does not change rankings and verdicts about other data."""

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


def steady_pins(days: int = DAYS) -> pl.DataFrame:
    """Return old pins that each gain the same every day."""
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


def with_counter(
    pins: pl.DataFrame, value: int | None, days: range, metric: str = "saves", pin: str = "03"
) -> pl.DataFrame:
    """Return the pins with one counter of one pin replaced on some days."""
    is_affected = pl.col("snapshot_date").is_between(
        FIRST + timedelta(days=days.start), FIRST + timedelta(days=days.stop - 1)
    )
    return pins.with_columns(
        pl.when(is_affected & (pl.col("id") == pin)).then(pl.lit(value, pl.Int64)).otherwise(metric).alias(metric)
    )


@pytest.mark.parametrize(
    ("metric", "value", "glitched"),
    [
        ("saves", -5, range(DAYS - 1, DAYS)),  # impossible
        ("saves", 2**60, range(DAYS - 2, DAYS)),
        ("impressions", -1, range(DAYS - 1, DAYS)),
        ("saves", 90_000, range(DAYS - 1, DAYS)),  # an unconfirmed rise
        ("impressions", 90_000_000, range(DAYS - 3, DAYS)),
        ("saves", None, range(DAYS - 1, DAYS)),
    ],
)
def test_implausible_newest_counters_do_not_reach_rankings(metric: str, value: int | None, glitched: range) -> None:
    glitched_pins = with_counter(steady_pins(), value, glitched, metric)
    last_good = FIRST + timedelta(days=glitched.start - 1)
    expected = pl.concat(
        [
            steady_pins().filter(pl.col("id") != "03"),
            steady_pins().filter(pl.col("snapshot_date") <= last_good, pl.col("id") == "03"),
        ]
    )
    rates = pin_rates(AccountHistory.from_pins(glitched_pins))
    assert rates.drop("is_earlier").equals(pin_rates(AccountHistory.from_pins(expected)).drop("is_earlier"))
    assert rates.filter("is_earlier")["id"].to_list() == ["03"]
    for side in ("best", "worst"):
        notes = " ".join(ranking_answer(AccountHistory.from_pins(glitched_pins), "saves", side).notes)
        assert "Of 1 pin the newest counters are missing, cannot be or may still be taken back" in notes
        assert "may still be taken back" not in " ".join(
            ranking_answer(AccountHistory.from_pins(steady_pins()), "saves", side).notes
        )


def test_snapshot_of_only_zeros_does_not_empty_the_rankings() -> None:
    is_last = pl.col("snapshot_date") == FIRST + timedelta(days=DAYS - 1)
    zeros = steady_pins().with_columns(pl.when(is_last).then(0).otherwise(metric).alias(metric) for metric in METRICS)
    rates = pin_rates(AccountHistory.from_pins(zeros))
    assert rates.drop("is_earlier").equals(
        pin_rates(AccountHistory.from_pins(steady_pins(DAYS - 1))).drop("is_earlier")
    )
    assert rates["is_earlier"].all()


def test_latest_counters_of_a_pin_come_from_one_snapshot() -> None:
    glitched_pins = with_counter(steady_pins(), -1, range(DAYS - 1, DAYS), "saves")
    latest = latest_counters(LoadedHistory(glitched_pins), ("impressions", "saves"))
    glitched = latest.filter(pl.col("id") == "03")
    assert glitched.select("impressions", "saves").row(0) == (50_000 + 1_003 * (DAYS - 2), 500 + 13 * (DAYS - 2))
    newest = steady_pins().filter(pl.col("snapshot_date") == FIRST + timedelta(days=DAYS - 1))
    assert latest.filter(~pl.col("is_earlier")).select(newest.columns).equals(newest.filter(pl.col("id") != "03"))


def test_new_pin_with_only_unconfirmed_counters_has_no_rate() -> None:
    is_last = pl.col("snapshot_date") == FIRST + timedelta(days=DAYS - 1)
    new = (
        steady_pins()
        .filter(is_last, pl.col("id") == "00")
        .with_columns(
            id=pl.lit("new"),
            timestamp=pl.lit(datetime.combine(FIRST + timedelta(days=DAYS - 2), datetime.min.time())),
            impressions=pl.lit(9_000_000, pl.Int64),
            saves=pl.lit(800_000, pl.Int64),
        )
    )
    rates = pin_rates(AccountHistory.from_pins(pl.concat([steady_pins(), new])))
    assert rates.filter(pl.col("id") == "new").select("rate", "reason").row(0) == (
        None,
        "a rise that may still be taken back",
    )
    assert rates.filter(pl.col("id") != "new").equals(pin_rates(AccountHistory.from_pins(steady_pins())))


def test_unconfirmed_rise_is_in_no_verdict_until_confirmed() -> None:
    # the last three snapshots have the rise, so its day is no longer one of the last two
    pins = with_counter(steady_pins(), 90_000, range(DAYS - 3, DAYS))
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
            steady_pins(DAYS + 1)
            .filter(pl.col("snapshot_date") == FIRST + timedelta(days=DAYS))
            .with_columns(saves=pl.when(pl.col("id") == "03").then(pl.lit(90_013, pl.Int64)).otherwise("saves")),
        ]
    )
    settled = account_change(AccountHistory.from_pins(later), 14, ["saves"]).row(0, named=True)
    assert settled["now_end"] == FIRST + timedelta(days=DAYS - 3)
    assert settled["now"] > 80_000
    assert pin_movers(AccountHistory.from_pins(later)).filter(pl.col("id") == "03")["verdict"].to_list() == ["more"]
