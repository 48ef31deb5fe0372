"""A pin that leaves its usual level is a mover; few counts or pins give no verdict."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.questions.movers.answer import movers_answer
from oneup_pinterest.questions.movers.chart import SHOWN, movers_chart
from oneup_pinterest.questions.movers.statistic import SCHEMA, pin_movers
from test_support.history import make_history
from test_support.made_gains import assert_drawn

LAST = date(2026, 3, 31)


def steady_pins(pins: int = 20, daily: int = 3, days: int = 40, *, of: dict[int, int] | None = None) -> pl.DataFrame:
    """Return old pins that gain `daily` saves per day; `of` has pins that gain another number in the last week."""
    rows = [
        {
            "social_network_id": "pin_a",
            "id": f"{pin:03}",
            "timestamp": datetime(2025, 10, 1),
            "format": "pin",
            "text": f"Pin {pin}",
            "permalink": "https://www.pinterest.com/pin/1/",
            "media_type": "IMAGE",
            "media_url": "https://i.pinimg.com/x.jpg",
            "snapshot_date": LAST - timedelta(days=back),
            "saves": 100 + daily * (days - 1 - back) + ((of or {}).get(pin, daily) - daily) * max(min(9 - back, 7), 0),
        }
        for pin in range(pins)
        for back in range(days)
    ]
    schema: dict[str, pl.DataType] = {"snapshot_date": pl.Date(), "timestamp": pl.Datetime("us")}
    counters = pl.col("saves")
    return pl.DataFrame(rows, schema_overrides=schema).with_columns(
        impressions=counters * 10, comments=counters * 0, repins=counters, clicks=counters
    )


def test_pin_that_keeps_its_level_is_as_expected() -> None:
    movers = pin_movers(AccountHistory.from_pins(steady_pins()))
    assert movers.height == 20
    assert movers["gain"].to_list() == [21.0] * 20
    assert movers["expected"].to_list() == pytest.approx([21.0] * 20, rel=0.1)
    assert movers["verdict"].unique().to_list() == ["as expected"]
    assert movers["last_day"].unique().to_list() == [date(2026, 3, 28)], "the last two days are provisional"


def test_rise_that_the_account_has_shown_before_the_last_weeks_is_no_unconfirmed_one() -> None:
    day, risen = pl.col("snapshot_date"), pl.col("id") == "007"
    pins = steady_pins(days=120).with_columns(
        saves=pl.col("saves")
        + 1000 * ((pl.col("id") == "003") & (day >= LAST - timedelta(days=110))).cast(pl.Int64)
        + 300 * (risen & (day >= LAST - timedelta(days=2))).cast(pl.Int64)
    )
    movers = pin_movers(AccountHistory.from_pins(pins))
    assert movers.height == 20
    assert movers.filter(risen)["gain"].to_list() == [6 * 3 + 303]


def test_only_the_pin_with_five_times_its_level_moved() -> None:
    movers = pin_movers(AccountHistory.from_pins(steady_pins(of={7: 15})))
    named = movers.filter(pl.col("verdict") != "as expected")
    assert named.select("id", "gain", "verdict").rows() == [("007", 105.0, "more")]
    assert named["ratio"].item() == pytest.approx(105 / 21, rel=0.1)


def test_pin_that_stops_gaining_has_the_verdict_less() -> None:
    movers = pin_movers(AccountHistory.from_pins(steady_pins(daily=12, of={3: 0})))
    assert movers.filter(pl.col("verdict") != "as expected").select("id", "verdict").rows() == [("003", "less")]


def test_pins_that_all_double_are_not_movers() -> None:
    movers = pin_movers(AccountHistory.from_pins(steady_pins(pins=40, of=dict.fromkeys(range(40), 6))))
    assert movers["verdict"].unique().to_list() == ["as expected"]
    assert movers["expected"].to_list() == pytest.approx([42.0] * 40, rel=0.25)


def test_few_counts_or_few_pins_give_no_verdict() -> None:
    assert (
        pin_movers(AccountHistory.from_pins(steady_pins(daily=1))).filter(pl.col("verdict") != "no verdict").is_empty()
    )
    few = pin_movers(AccountHistory.from_pins(steady_pins(pins=4, of={1: 60})))
    assert few["verdict"].unique().to_list() == ["no verdict"]
    assert few["expected"].null_count() == 4


def test_young_and_vanished_pins_are_not_compared() -> None:
    pins = steady_pins()
    young = pins.with_columns(
        timestamp=pl.when(pl.col("id") == "000").then(pl.lit(datetime(2026, 3, 14))).otherwise("timestamp")
    ).filter((pl.col("id") != "000") | (pl.col("snapshot_date") > date(2026, 3, 14)))
    gone = young.filter((pl.col("id") != "001") | (pl.col("snapshot_date") < date(2026, 3, 25)))
    assert pin_movers(AccountHistory.from_pins(gone))["id"].to_list() == [f"{pin:03}" for pin in range(2, 20)]


def test_row_order_does_not_matter() -> None:
    pins = steady_pins(of={7: 15})
    mixed = pins.sample(fraction=1, shuffle=True, seed=1)
    assert pin_movers(AccountHistory.from_pins(mixed)).equals(pin_movers(AccountHistory.from_pins(pins)))


def test_frame_without_pins_has_the_same_columns() -> None:
    movers = pin_movers(AccountHistory.from_pins(pl.DataFrame(schema=TABLES["pins"].schema)))
    assert movers.is_empty()
    assert movers.columns == ["social_network_id", *SCHEMA]


def test_answer_names_and_draws_the_mover() -> None:
    hostile = steady_pins(of={7: 15}).with_columns(text=pl.lit("<b>Soup</b>\n\x07 " + "long " * 50))
    answer = movers_answer(AccountHistory.from_pins(hostile))
    assert answer.sentence.startswith("1 of 20 pins with a level of their own moved from 22 Mar 2026 to 28 Mar 2026")
    assert "gained 105 saves" in answer.sentence
    assert not {"\x07", "\n"} & set(answer.sentence)
    assert answer.table is not None
    assert answer.table["Verdict"].to_list()[:2] == ["▲ more", "= as expected"]
    assert_drawn(answer.chart)
    assert answer.chart is not None
    assert len(answer.chart.to_dict()["data"]["values"]) == SHOWN


def test_answer_says_if_nothing_moved() -> None:
    assert movers_answer(AccountHistory.from_pins(steady_pins())).sentence.startswith(
        "No pin moved: of 20 pins with a level of their own"
    )


def test_too_little_data_gives_no_answer(tmp_path: Path) -> None:
    for number, options in enumerate(({"days": 0}, {"days": 1}, {"accounts": ("pin_one",), "days": 2, "pins": 1})):
        path = make_history(tmp_path / f"{number}.duckdb", **options)  # type: ignore[arg-type]
        answer = movers_answer(load_account_history(path, "pin_one"))
        assert answer.sentence.startswith("Not enough data yet: movers need 10 pins")
        assert answer.chart is None
    assert "fewer than 10 saves" in movers_answer(AccountHistory.from_pins(steady_pins(daily=1))).sentence


def test_rolling_counter_has_no_movers(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", ("pin_one",), days=40, rolling=True))
    assert pin_movers(AccountHistory.from_pins(pins)).is_empty()
    assert "falls too often" in movers_answer(AccountHistory.from_pins(pins)).sentence


def test_text_and_publication_time_may_be_unknown() -> None:
    pins = steady_pins().with_columns(text=pl.lit(None, pl.String), timestamp=pl.lit(None, pl.Datetime("us")))
    movers = pin_movers(AccountHistory.from_pins(pins))
    assert movers["age"].null_count() == movers.height == 20
    assert_drawn(movers_chart(movers))
    assert "No pin moved" in movers_answer(AccountHistory.from_pins(pins)).sentence


def test_zero_and_unknown_counters_do_not_fail() -> None:
    assert np.isfinite(pin_movers(AccountHistory.from_pins(steady_pins(daily=0)))["expected"].to_numpy()).all()
    unknown = steady_pins().with_columns(saves=pl.lit(None, pl.Int64))
    assert pin_movers(AccountHistory.from_pins(unknown)).is_empty()
    assert movers_answer(AccountHistory.from_pins(unknown)).sentence.startswith("Not enough data yet")
