"""Follower changes are spread over gaps, and a lost connection does not count as lost followers."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import vl_convert

from oneup_pinterest.history.account_history import load_account_history
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.followers.answer import follower_change_answer, follower_gains_answer, followers_answer
from oneup_pinterest.questions.followers.chart import follower_changes_chart, gains_per_thousand_chart
from oneup_pinterest.questions.followers.statistic import (
    follower_association,
    follower_changes,
    follower_trend,
    gains_per_thousand,
)
from simulations.worlds import MadeUpHistory
from test_support.history import make_history
from test_support.made_gains import FIRST, WEEK, assert_drawn, gains_of


def followers_of(counts: Sequence[int | None], days: Sequence[int] | None = None) -> pl.DataFrame:
    """Return snapshots as `load_account_followers` does, daily from FIRST on or at `days` after FIRST."""
    return pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "total_followers": counts,
            "snapshot_date": [FIRST + timedelta(days=day) for day in days or range(len(counts))],
        },
        schema={"social_network_id": pl.String, "total_followers": pl.Int64, "snapshot_date": pl.Date},
    )


def test_change_is_dated_to_the_day_before_and_spread_over_gaps() -> None:
    changes = follower_changes(MadeUpHistory(followers=followers_of([100, 103, 109, 108], [0, 1, 4, 5])))
    assert changes["day"].to_list() == [FIRST + timedelta(days=day) for day in range(5)]
    assert changes["change"].to_list() == [3, 2, 2, 2, -1]
    assert changes["is_imputed"].to_list() == [False, True, True, True, False]
    assert changes["followers"].to_list() == [103, None, None, 109, 108]


def test_zeros_of_a_lost_connection_are_not_lost_followers() -> None:
    changes = follower_changes(MadeUpHistory(followers=followers_of([500, 501, 0, 0, 504])))
    assert changes["change"].to_list() == [1, 1, 1, 1]
    new = follower_changes(MadeUpHistory(followers=followers_of([0, 0, 3])))
    assert new["change"].to_list() == [0, 3], "a new account begins without followers"


def test_trend_is_estimated_from_whole_weeks() -> None:
    up = follower_trend(MadeUpHistory(followers=followers_of([100 + 3 * day + day % 2 for day in range(30)]))).row(
        0, named=True
    )
    assert (up["weeks"], up["verdict"]) == (4, "up")
    assert up["low"] < 21 < up["high"]
    wavering = [1000 + [0, 9, -4, 6][week % 4] for week in range(6) for _ in range(7)]
    assert follower_trend(MadeUpHistory(followers=followers_of([*wavering, 1000])))["verdict"].to_list() == [
        "within normal variation"
    ]
    assert follower_trend(MadeUpHistory(followers=followers_of([7] * 30)))["verdict"].to_list() == ["unchanged"]
    few = follower_trend(MadeUpHistory(followers=followers_of([7] * 15))).row(0, named=True)
    assert few["verdict"] is None
    assert "3 whole weeks" in few["reason"]
    assert follower_trend(MadeUpHistory(followers=followers_of([]))).is_empty()


def test_gains_per_thousand_followers_need_whole_known_weeks() -> None:
    gains = gains_of([3.0] * 20).with_columns(gain=pl.when(pl.col("day") != FIRST + timedelta(days=8)).then("gain"))
    weeks = gains_per_thousand(MadeUpHistory(account_gains=gains, followers=followers_of([2000] * 21)))
    assert weeks["first_day"].to_list() == [FIRST + timedelta(days=13)], "the week before has an unknown day"
    assert weeks["per_thousand"].to_list() == [10.5]
    assert gains_per_thousand(MadeUpHistory(account_gains=gains, followers=followers_of([0] * 21)))[
        "per_thousand"
    ].to_list() == [None]


def test_association_is_distinguished_from_chance() -> None:
    rng = np.random.default_rng(5)
    counts = rng.poisson(40, 84)
    together = follower_association(
        MadeUpHistory(
            account_gains=gains_of(list(counts.astype(float))), followers=followers_of([1000, *1000 + counts.cumsum()])
        )
    )
    assert together["rho"].item() > 0.95
    assert together["verdict"].item() == "rise together"
    apart = followers_of([9000, *9000 - counts.cumsum()])
    assert (
        follower_association(MadeUpHistory(account_gains=gains_of(list(counts.astype(float))), followers=apart))[
            "verdict"
        ].item()
        == "move apart"
    )
    others = followers_of([1000, *1000 + rng.poisson(40, 84).cumsum()])
    assert (
        follower_association(MadeUpHistory(account_gains=gains_of(list(counts.astype(float))), followers=others))[
            "verdict"
        ].item()
        == "within normal variation"
    )


def test_association_is_reproducible_and_needs_enough_weeks() -> None:
    rng = np.random.default_rng(6)
    gains = gains_of(list(rng.poisson(40, 60).astype(float)))
    followers = followers_of([1000, *1000 + rng.poisson(3, 60).cumsum()])
    shuffled = follower_association(
        MadeUpHistory(account_gains=gains.sample(fraction=1, shuffle=True, seed=1), followers=followers.reverse())
    )
    assert shuffled.equals(follower_association(MadeUpHistory(account_gains=gains, followers=followers)))
    few = follower_association(MadeUpHistory(account_gains=gains.head(30), followers=followers))
    assert few["verdict"].item() is None
    assert "6 whole weeks" in few["reason"].item()


def test_answers_have_a_sentence_a_chart_and_a_table() -> None:
    followers = followers_of([100 + 3 * day + day % 2 for day in range(60)])
    gains = gains_of([float(count) for count in (WEEK * 9)[:58]])
    level, change = (
        followers_answer(MadeUpHistory(followers=followers)),
        follower_change_answer(MadeUpHistory(followers=followers)),
    )
    rate = follower_gains_answer(MadeUpHistory(account_gains=gains, followers=followers))
    assert level.sentence.startswith("Followers grew by 21.0 a week (95% interval")
    assert change.sentence.startswith("+178 followers in 59 days from 1 Jan 2026 to 28 Feb 2026")
    assert "saves per 1,000 followers in the week of 21 Feb 2026" in rate.sentence
    for answer in (level, change):
        assert answer.table is not None
        assert answer.table.height
        assert_drawn(answer.chart)
    assert rate.chart is not None
    assert "8 weeks" in rate.chart.to_dict()["description"]


def test_answers_mention_lost_followers_and_lost_connections() -> None:
    losing = followers_of([1000 - 2 * day for day in range(30)] + [0, 0])
    answer = followers_answer(MadeUpHistory(followers=losing))
    assert answer.sentence.startswith("Followers shrank by 14.0 a week (95% interval 14.0 to 14.0, 4 weeks)")
    assert answer.notes == ("2 syncs said 0 followers, as a lost connection does: they are left out.",)


def test_too_little_data_gives_no_answer(tmp_path: Path) -> None:
    for days in (0, 1):
        path = make_history(tmp_path / f"{days}.duckdb", ("pin_one",), days=days)
        history = load_account_history(path, "pin_one")
        for answer in (followers_answer(history), follower_change_answer(history), follower_gains_answer(history)):
            assert answer.sentence.startswith("Not enough data yet: ")
    rolling = make_history(tmp_path / "rolling.duckdb", ("pin_one",), days=40, rolling=True)
    assert "falls too often" in follower_gains_answer(load_account_history(rolling, "pin_one")).sentence


def test_charts_without_rows_do_not_fail() -> None:
    for chart in (
        follower_changes_chart(follower_changes(MadeUpHistory(followers=followers_of([])))),
        gains_per_thousand_chart(
            gains_per_thousand(MadeUpHistory(account_gains=gains_of([]), followers=followers_of([])))
        ),
    ):
        vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)
