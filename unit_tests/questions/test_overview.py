"""Totals get a verdict only if their pins agree; verdicts of several accounts are adjusted."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from oneup_pinterest.database.load import load_overview_metrics, load_pins
from oneup_pinterest.history.account_history import AccountHistory, load_account_histories
from oneup_pinterest.history.observations import METRICS
from oneup_pinterest.questions.overview.answer import (
    UNCONFIRMED,
    daily_gains_answer,
    side_by_side_answer,
    totals_answer,
)
from oneup_pinterest.questions.overview.peers import with_peers
from oneup_pinterest.questions.overview.statistic import (
    COUNTED,
    account_figures,
    accounts_side_by_side,
    adjust_across_accounts,
    totals_with_verdicts,
)
from test_support.history import make_history
from unit_tests.questions.test_change import HISTORIES, Counters, checked_spec, observed_pins, steady


def overview(now: float, before: float, days: int = 7) -> pl.DataFrame:
    end = date(2026, 1, 16)
    return pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "preset": "last_7_days",
            "key": ["posts", "saves"],
            "name": "",
            "description": "",
            "period_start": date(2026, 1, 17 - days),
            "period_end": end,
            "value_current_period": now,
            "value_last_period": before,
            "_airbyte_extracted_at": None,
        }
    )


def test_totals_synced_within_three_days_of_their_end_are_provisional() -> None:
    pins = with_all_metrics(observed_pins(steady()))
    for day, word in ((18, "provisional"), (19, "settled")):
        totals = overview(9, 3).with_columns(_airbyte_extracted_at=datetime(2026, 1, day, 23))
        answer = totals_answer(AccountHistory.from_pins(pins, overview=totals))
        assert answer.table is not None
        assert set(answer.table["State"]) == {word}
        assert ("(provisional)" in answer.sentence) == (word == "provisional")
        assert any(note.startswith("Provisional:") for note in answer.notes) == (word == "provisional")


def test_last_synced_of_several_presets_is_used_and_named() -> None:
    older = overview(9, 3).with_columns(_airbyte_extracted_at=datetime(2026, 1, 17))
    newer = overview(50, 40, 14).with_columns(
        preset=pl.lit("last_30_days"), period_end=date(2026, 1, 15), _airbyte_extracted_at=datetime(2026, 1, 18)
    )
    pins = with_all_metrics(observed_pins(steady()))
    answer = totals_answer(AccountHistory.from_pins(pins, overview=pl.concat([older, newer])))
    assert "Saves 50" in answer.sentence or "saves 50" in answer.sentence
    assert (
        "The file holds totals of last_30_days and last_7_days; these are of last_30_days, which was synced last."
    ) in answer.notes


def with_all_metrics(pins: pl.DataFrame) -> pl.DataFrame:
    return pins.with_columns(pl.col("saves").alias(metric) for metric in METRICS if metric != "saves")


def saves_of(now: float, before: float, factor: int, days: int = 7) -> dict[str, Any]:
    pins = with_all_metrics(observed_pins(steady(factor=factor)))
    history = AccountHistory.from_pins(pins, overview=overview(now, before, days))
    return totals_with_verdicts(history).filter(pl.col("key") == "saves").row(0, named=True)


def test_total_gets_the_verdict_of_its_pins_if_they_agree() -> None:
    row = saves_of(300, 100, factor=40)
    assert (row["change"], row["verdict"], row["reason"], row["pins"]) == (200.0, "up", None, 20)
    assert row["pins_change"] == pytest.approx(3900)


def test_total_that_moves_against_its_pins_has_no_verdict() -> None:
    row = saves_of(100, 300, factor=40)
    assert (row["verdict"], row["reason"]) == ("no verdict", "the observed pins do not move the way this total does")


def test_total_with_a_short_history_has_a_reason() -> None:
    row = saves_of(300, 100, factor=3, days=14)
    assert (row["verdict"], row["reason"]) == (
        "no verdict",
        "a history of 2 x 14 settled days is needed; there are 14",
    )


def test_posts_are_counted_and_get_no_verdict() -> None:
    history = AccountHistory.from_pins(with_all_metrics(observed_pins(steady())), overview=overview(9, 3))
    row = totals_with_verdicts(history).row(0, named=True)
    assert (row["key"], row["verdict"], row["reason"]) == ("posts", None, COUNTED)


def test_day_with_an_unconfirmed_rise_is_marked_in_the_table() -> None:
    pins = observed_pins({"1": [100, 101, 102, 900_000]})
    answer = daily_gains_answer(AccountHistory.from_pins(pins))
    assert answer.table is not None
    assert answer.table["State"].to_list() == ["unconfirmed", "provisional", "settled"]
    assert UNCONFIRMED in answer.notes


def noisy_accounts(accounts: int) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    counters: Counters = {str(n): [int(v) for v in np.cumsum(rng.poisson(3, 17))] for n in range(8)}
    one = observed_pins(counters).with_columns(text=pl.lit(None, pl.String), permalink=pl.lit(None, pl.String))
    one = one.with_columns(impressions=pl.col("saves") * 50)
    parts = [
        one.with_columns(social_network_id=pl.lit(f"pin_{n:03}"), saves=pl.col("saves") + 0) for n in range(accounts)
    ]
    return pl.concat(parts)


def followers_of(accounts: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "social_network_id": accounts,
            "snapshot_date": [date(2026, 1, 20)] * len(accounts),
            "total_followers": list(range(len(accounts))),
        },
        schema={"social_network_id": pl.String, "snapshot_date": pl.Date, "total_followers": pl.Int64},
    )


def histories(pins: pl.DataFrame, followers: pl.DataFrame) -> list[AccountHistory]:
    """Return one history per account in either frame."""
    ids = sorted({*pins["social_network_id"], *followers["social_network_id"]})
    return [
        AccountHistory(
            account,
            pins.filter(pl.col("social_network_id") == account),
            followers=followers.filter(pl.col("social_network_id") == account),
        )
        for account in ids
    ]


def test_every_account_has_a_row_even_without_pins() -> None:
    figures = accounts_side_by_side(histories(noisy_accounts(3), followers_of(["pin_001", "pin_new"])), 7, ["saves"])
    rows = {row["social_network_id"]: row for row in figures.iter_rows(named=True)}
    assert list(rows) == ["pin_000", "pin_001", "pin_002", "pin_new"]
    assert rows["pin_new"]["reason"] == "no pin of it has been seen"
    assert (rows["pin_new"]["followers"], rows["pin_000"]["followers"]) == (1, None)
    assert rows["pin_000"]["rate_low"] < rows["pin_000"]["rate"] == pytest.approx(0.02, rel=0.1)
    assert rows["pin_001"]["last_snapshot"] == date(2026, 1, 20)


def test_order_of_accounts_does_not_change_the_verdicts() -> None:
    pins = noisy_accounts(4).with_columns(repins="saves", clicks="saves")
    several = histories(pins, followers_of(["pin_001", "pin_new"]))
    figures_per_account = [account_figures(history, 7) for history in reversed(several)]
    assert_frame_equal(adjust_across_accounts(pl.concat(figures_per_account)), accounts_side_by_side(several, 7))


def test_verdicts_are_adjusted_for_the_number_of_accounts() -> None:
    strong = observed_pins(steady(pins=20, factor=10_000)).with_columns(
        text=pl.lit(None, pl.String), permalink=pl.lit(None, pl.String), impressions=pl.col("saves") * 50
    )
    quiet = noisy_accounts(30)
    both = pl.concat([strong.select(quiet.columns), quiet])
    figures = accounts_side_by_side(histories(both, followers_of([])), 7, ["saves"])
    p = figures.filter(pl.col("social_network_id") == "pin_a").select("p", "p_adjusted").row(0)
    assert p[1] == pytest.approx(31 * p[0])
    assert figures.filter(pl.col("verdict").is_in(["up", "down"]))["social_network_id"].to_list() == ["pin_a"]


def test_table_has_all_accounts_and_the_chart_only_some() -> None:
    pins = noisy_accounts(20).with_columns(repins="saves", clicks="saves")
    answer = side_by_side_answer(histories(pins, followers_of(["pin_000"])), days=7)
    assert answer.table is not None
    assert answer.table.height == 20
    assert len(checked_spec(answer.chart)["data"]["values"]) == 15
    assert "Of 20 accounts" in answer.sentence
    assert "; beyond the trend, its typical pin " in answer.sentence


def test_table_has_the_interval_of_the_comparison_with_accounts_of_the_same_size() -> None:
    several = histories(noisy_accounts(9).with_columns(repins="saves", clicks="saves"), followers_of([]))
    peers = accounts_side_by_side(several, 7).filter(pl.col("metric") == "saves").sort("now", descending=True)
    assert peers["peers_low"].null_count() == 0
    table = side_by_side_answer(several, days=7).table
    assert table is not None
    shown = table.select("Against own accounts of its size (%)", "95% interval of that from (%)", "to that (%)")
    expected = peers.select(pl.col("peers", "peers_low", "peers_high").round(0))
    assert sorted(shown.rows()) == sorted(expected.rows())


@pytest.mark.slow
@pytest.mark.parametrize("name", HISTORIES)
def test_every_history_gets_valid_answers(tmp_path: Path, name: str) -> None:
    path = make_history(tmp_path / "h.duckdb", **HISTORIES[name])
    everything, totals = load_pins(path), load_overview_metrics(path, ["pin_one"])
    pins = everything.filter(pl.col("social_network_id") == "pin_one")
    answers = [
        totals_answer(AccountHistory.from_pins(pins, overview=totals)),
        daily_gains_answer(AccountHistory.from_pins(pins)),
        side_by_side_answer(load_account_histories(path)),
    ]
    for answer in answers:
        assert answer.sentence
        if answer.chart is not None:
            checked_spec(answer.chart)
    if name == "rolling":
        assert answers[1].chart is None
        assert "saves" in answers[1].sentence
    if name == "empty":
        assert all(answer.sentence.startswith("Not enough data yet: ") for answer in answers)


def test_account_is_compared_with_others_of_its_size() -> None:
    rng = np.random.default_rng(6)
    pins = np.array([10.0, 20, 40, 80, 160, 320, 640, 30, 60, 120])
    level = rng.lognormal(0, 0.1, (2, 10))
    level[:, 4] *= 3
    rows = pl.DataFrame(
        {
            "social_network_id": [f"pin_{n}" for n in range(10)],
            "metric": "saves",
            "watched_now": pins,
            "watched_before": pins,
            "now": 50 * pins * level[0],
            "before": 50 * pins * level[1],
        }
    )
    peers = with_peers(rows)
    assert peers["peers"].arg_max() == 4
    assert peers["peers_low"][4] < 200 < peers["peers_high"][4]
    assert peers.filter(pl.col("peers").abs() > 40).height == 1, "size alone is no difference"
    assert with_peers(rows.head(7))["peers"].is_null().all()
