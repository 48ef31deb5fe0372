"""Published pins are compared with the gains of other pins; few weeks give no verdict."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import vl_convert

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.followers.answer import effort_answer
from oneup_pinterest.questions.followers.chart import effort_chart
from oneup_pinterest.questions.followers.effort import association_of_weeks, weekly_effort
from test_support.history import make_history
from test_support.made_gains import assert_drawn

MONDAY = date(2026, 1, 5)


def weeks_of(published: list[int], later: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "week": [MONDAY + timedelta(weeks=week) for week in range(len(published))],
            "published": published,
            "gain": later,
            "of_new": 0.0,
            "of_others": later,
            "others_next_week": later,
            "others_in_two_weeks": later,
        },
        schema={
            "social_network_id": pl.String,
            "week": pl.Date,
            "published": pl.Int64,
            "gain": pl.Float64,
            "of_new": pl.Float64,
            "of_others": pl.Float64,
            "others_next_week": pl.Float64,
            "others_in_two_weeks": pl.Float64,
        },
    )


def pins_of_weeks(weeks: int = 11) -> pl.DataFrame:
    """Return one old pin that gains 2 saves per day, and one new pin per week that gains 1 save per day."""
    rows = [
        {
            "social_network_id": "pin_a",
            "id": f"{pin:02}",
            "timestamp": published,
            "snapshot_date": day,
            "saves": rate * (day - published.date()).days,
        }
        for pin, (published, rate) in enumerate(
            [(datetime(2025, 12, 1), 2)]
            + [(datetime.combine(MONDAY, datetime.min.time()) + timedelta(weeks=week), 1) for week in range(weeks)]
        )
        for day in (MONDAY + timedelta(days=back) for back in range(-1, 7 * weeks + 3))
        if published.date() < day
    ]
    counters = pl.col("saves")
    return pl.DataFrame(rows, schema_overrides={"timestamp": pl.Datetime("us")}).with_columns(
        impressions=counters * 10, comments=counters * 0, repins=counters, clicks=counters, text=pl.lit("A pin")
    )


def test_gains_of_pins_published_that_week_are_separate() -> None:
    weeks = weekly_effort(AccountHistory.from_pins(pins_of_weeks()))
    assert weeks["week"].to_list() == [MONDAY + timedelta(weeks=week) for week in range(11)]
    assert weeks["published"].to_list() == [1] * 11
    assert weeks["of_new"].to_list() == [7.0] * 11
    assert weeks["of_others"].to_list() == [14.0 + 7 * week for week in range(11)]
    assert weeks["others_next_week"].to_list() == [*[14.0 + 7 * week for week in range(10)], None]
    assert (weeks["gain"] == weeks["of_new"] + weeks["of_others"]).all()


def test_week_with_an_unknown_day_is_left_out() -> None:
    pins = pins_of_weeks()
    fallen = pins.with_columns(  # every counter is reset on one day
        saves=pl.when(pl.col("snapshot_date") > MONDAY + timedelta(days=30))
        .then(pl.col("saves") // 9)
        .otherwise("saves")
    )
    assert MONDAY + timedelta(weeks=4) not in weekly_effort(AccountHistory.from_pins(fallen))["week"].to_list()


def test_association_needs_more_than_common_growth() -> None:
    rng = np.random.default_rng(2)
    published = rng.poisson(8, 20)
    result = association_of_weeks(weeks_of(published.tolist(), (100.0 * published + rng.normal(0, 9, 20)).tolist()))
    assert result["verdict"].to_list() == ["rise together"] * 3
    assert (result["low"] > 0.5).all()
    growing = np.arange(1, 21)
    noise = [rng.permutation(20) for _ in range(2)]
    both = weeks_of((10 * growing + noise[0]).tolist(), (100.0 * growing + 10 * noise[1]).tolist())
    assert association_of_weeks(both)["verdict"].to_list() == ["within normal variation"] * 3


def test_few_or_identical_weeks_have_no_verdict() -> None:
    few = association_of_weeks(weeks_of([1, 2, 3, 4, 5, 6, 7], [1.0, 2, 3, 4, 5, 6, 7]))
    assert few["verdict"].to_list() == [None] * 3
    assert few["reason"][0] == "it needs 8 whole weeks, and there are 7."
    assert (
        "every week is the same"
        in association_of_weeks(weeks_of([3] * 9, [1.0 * week for week in range(9)]))["reason"][0]
    )


def test_row_order_does_not_matter() -> None:
    weeks = weeks_of([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [2.0, 7, 1, 8, 2, 8, 1, 8, 2, 8])
    assert association_of_weeks(weeks.reverse()).equals(association_of_weeks(weeks))


def test_answer_claims_no_cause_and_draws_the_weeks() -> None:
    answer = effort_answer(AccountHistory.from_pins(pins_of_weeks()))
    assert answer.sentence.startswith("No verdict: every week is the same")
    assert "New pins brought 1" in answer.sentence
    for word in ("because of", "leads to", "due to", "effect"):
        assert word not in answer.sentence
    assert answer.table is not None
    assert answer.table.height == 11
    assert_drawn(answer.chart)


def test_too_little_data_gives_no_answer(tmp_path: Path) -> None:
    assert "there are 0" in effort_answer(AccountHistory.from_pins(pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    for number, options in enumerate(({"days": 0}, {"days": 1}, {"accounts": ("pin_one",), "days": 2, "pins": 1})):
        path = make_history(tmp_path / f"{number}.duckdb", **options)  # type: ignore[arg-type]
        answer = effort_answer(load_account_history(path, "pin_one"))
        assert answer.sentence.startswith("Not enough data yet: it needs 8 whole weeks")
    rolling = load_pins(make_history(tmp_path / "rolling.duckdb", ("pin_one",), days=70, rolling=True))
    assert "falls too often" in effort_answer(AccountHistory.from_pins(rolling)).sentence
    assert weekly_effort(AccountHistory.from_pins(rolling)).is_empty()


def test_chart_without_weeks_does_not_fail() -> None:
    chart = effort_chart(weeks_of([], []))
    vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)
