"""Rates: shrunk towards the account's mean by how little is known, left out where counters are impossible."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.pin_rates import pin_rates
from oneup_pinterest.methods.shrinkage import chance_limits, fitted_prior, wilson_interval
from oneup_pinterest.questions.rates.answer import funnel_answer, ranking_answer, rates_answer
from oneup_pinterest.questions.rates.chart import funnel_chart, rates_caterpillar, shrinkage_chart
from oneup_pinterest.questions.rates.statistic import beyond_chance, ranked_pins, ranked_rates
from test_support.history import HOSTILE_TEXT, make_history
from unit_tests.questions.test_change import HISTORIES, drawn


def seen(impressions: list[int | None], saves: list[int | None], account: str = "pin_a") -> pl.DataFrame:
    """Pins that were seen once."""
    return pl.DataFrame(
        {
            "social_network_id": account,
            "id": [f"{n:05}" for n in range(len(saves))],
            "text": "Soup",
            "permalink": None,
            "timestamp": date(2026, 3, 1),
            "snapshot_date": date(2026, 3, 9),
            "impressions": impressions,
            "saves": saves,
        },
        schema_overrides={"permalink": pl.String, "impressions": pl.Int64, "saves": pl.Int64},
    )


def many(pins: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    impressions = np.maximum(rng.lognormal(5, 1.6, pins), 1).astype(int)
    return seen(impressions.tolist(), rng.binomial(impressions, rng.beta(2, 198, pins)).tolist())


def test_the_fewer_impressions_the_nearer_to_the_mean() -> None:
    rates = pin_rates(AccountHistory.from_pins(many()))
    few, lots = pl.col("impressions") < 30, pl.col("impressions") > 3000
    off = ((pl.col("rate") - pl.col("raw")).abs(), (pl.col("rate") - pl.col("prior_mean")).abs())
    assert rates.filter(few).select(off[1].mean()).item() < rates.filter(few).select(off[0].mean()).item()
    assert rates.filter(lots).select(off[0].mean()).item() < rates.filter(lots).select(off[1].mean()).item()
    assert rates.select(pl.col("rate").is_between("rate_low", "rate_high").all()).item()


def test_the_prior_of_many_pins_is_the_one_they_were_drawn_from() -> None:
    pins = many(3000)
    a, b = fitted_prior(pins["saves"].to_numpy().astype(float), pins["impressions"].to_numpy().astype(float))
    assert a / (a + b) == pytest.approx(0.01, rel=0.1)
    assert a + b == pytest.approx(200, rel=0.25)


def test_pins_that_do_not_differ_share_one_rate() -> None:
    rates = pin_rates(AccountHistory.from_pins(seen([1000] * 200, [10] * 200)))
    assert rates["prior_strength"][0] > 5_000
    assert rates["rate"].to_list() == pytest.approx([0.01] * 200, rel=0.01)


@pytest.mark.parametrize(
    ("impressions", "saves"),
    [([100, 50, 7], [0, 0, 0]), ([10], [0]), ([10], [3]), ([5, 9], [5, 9]), ([3] * 4, [1] * 4)],
)
def test_degenerate_pins_have_rates_and_wide_intervals(impressions: list[int | None], saves: list[int | None]) -> None:
    for row in pin_rates(AccountHistory.from_pins(seen(impressions, saves))).iter_rows(named=True):
        assert 0 <= row["rate_low"] <= row["rate"] <= row["rate_high"] <= 1
        assert row["rate_high"] - row["rate_low"] > 0.005


def test_impossible_counters_are_left_out_with_a_reason_and_do_not_move_the_others() -> None:
    with_bad, without = seen([1000, 900, 10, 0, None, 5], [9, 10, 40, 3, 3, None]), seen([1000, 900], [9, 10])
    rates = pin_rates(AccountHistory.from_pins(with_bad))
    assert rates["reason"].to_list() == [None, None, "more saves than impressions"]
    assert rates["rate"].to_list() == [*pin_rates(AccountHistory.from_pins(without))["rate"].to_list(), None]


def test_counters_of_different_windows_have_no_rate() -> None:
    kinds = pl.DataFrame(
        {"social_network_id": "pin_a", "metric": ["impressions", "saves"], "counter_type": ["lifetime", "rolling"]}
    )
    history = AccountHistory.from_pins(many(20))
    history.counter_type = dict(kinds.select("metric", "counter_type").iter_rows()).get  # type: ignore[method-assign]
    rates = pin_rates(history)
    assert rates["rate"].null_count() == 20
    assert set(rates["reason"]) == {"saves and impressions do not count over the same window"}


def test_only_the_newest_row_of_a_pin_counts() -> None:
    old = many(30).with_columns(snapshot_date=date(2026, 3, 8), saves=pl.lit(0, pl.Int64))
    assert pin_rates(AccountHistory.from_pins(pl.concat([many(30), old]))).equals(
        pin_rates(AccountHistory.from_pins(many(30)))
    )


def test_wilsons_interval_is_scipys() -> None:
    counts, shown = np.array([0.0, 1, 7, 40]), np.array([5.0, 10, 300, 40])
    low, high = wilson_interval(counts, shown)
    for index, (count, of) in enumerate(zip(counts, shown, strict=True)):
        theirs = stats.binomtest(int(count), int(of)).proportion_ci(method="wilson")
        assert (low[index], high[index]) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_the_limits_of_chance_hold_the_pins_that_share_one_rate_and_not_others() -> None:
    rng = np.random.default_rng(1)
    shown = rng.integers(100, 20_000, 2000)
    same = seen(shown.tolist(), rng.binomial(shown, 0.01).tolist())
    differing = seen(shown.tolist(), rng.binomial(shown, rng.beta(2, 198, 2000)).tolist())
    assert beyond_chance(pin_rates(AccountHistory.from_pins(same)))[1] / 2000 < 0.06
    assert beyond_chance(pin_rates(AccountHistory.from_pins(differing)))[1] / 2000 > 0.5
    low, high = chance_limits(0.0, np.array([10.0]))
    assert (low[0], high[0]) == (0, 0.1)  # one of ten


def test_a_lucky_pin_of_few_impressions_is_not_the_best() -> None:
    ranked = ranked_rates(
        pin_rates(AccountHistory.from_pins(seen([3, 5000, *[2000] * 40], [1, 150, *[20] * 40]))), top=1
    )
    assert ranked["id"][0] == "00001"
    assert ranked["p_in_top"][0] > 0.9
    assert ranked["rank"].to_list() == list(range(1, 43))


def test_chances_add_up_to_the_size_of_the_top() -> None:
    ranked = ranked_rates(pin_rates(AccountHistory.from_pins(many(80))), top=10)
    assert ranked["p_in_top"].sum() == pytest.approx(10)
    assert ranked["p_in_bottom"].sum() == pytest.approx(10)


def test_the_order_of_rows_changes_nothing() -> None:
    pins = many(50)
    mixed = pins.sample(fraction=1, shuffle=True, seed=3)
    first, second = (ranked_pins(AccountHistory.from_pins(rows)) for rows in (pins, mixed))
    assert first.equals(second)


def test_frames_without_rows_have_the_columns_of_full_ones() -> None:
    rates = pin_rates(AccountHistory.from_pins(many(9)))
    assert pin_rates(AccountHistory.from_pins(many(9).clear())).schema == rates.schema
    assert ranked_rates(rates.clear()).schema == ranked_rates(rates).schema


def test_texts_of_pins_stay_texts_in_sentences_tables_and_charts() -> None:
    pins = many(60).with_columns(text=pl.lit(HOSTILE_TEXT + "\n\x00"), permalink=pl.lit("javascript:window.hacked=1"))
    answer = ranking_answer(AccountHistory.from_pins(pins))
    assert "\x00" not in answer.sentence
    assert answer.table is not None
    assert answer.table["Link"].null_count() == answer.table.height
    names = {row["name"] for row in drawn(answer.chart)["data"]["values"]}
    assert len(names) == 10  # pins of one text are rows of their own


def test_the_sentence_has_the_numbers_of_the_table() -> None:
    answer = rates_answer(AccountHistory.from_pins(many()))
    assert "of 300 pins" in answer.sentence
    assert answer.table is not None
    assert answer.table.height == 30


@pytest.mark.slow
@pytest.mark.parametrize("kind", HISTORIES)
def test_answers_hold_on_every_kind_of_history(tmp_path: Path, kind: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **HISTORIES[kind])).filter(
        pl.col("social_network_id") == "pin_one"
    )
    nothing = pins.with_columns(saves=pl.lit(None, pl.Int64), text=pl.lit(None, pl.String))
    zeros = pins.with_columns(saves=pl.lit(0, pl.Int64), timestamp=pl.lit(None, pl.Datetime))
    for frame in (pins, nothing, zeros):
        answers: list[Any] = [
            rates_answer(AccountHistory.from_pins(frame)),
            funnel_answer(AccountHistory.from_pins(frame)),
            ranking_answer(AccountHistory.from_pins(frame), side="worst"),
        ]
        for answer in answers:
            assert answer.sentence.startswith("Not enough data yet: ") == (answer.chart is None)
            if answer.chart is not None:
                drawn(answer.chart)


def test_charts_of_hardly_any_pins_do_not_fail() -> None:
    rates = pin_rates(AccountHistory.from_pins(many(3)))
    for some in (rates, rates.head(1), rates.clear()):
        drawn(shrinkage_chart(some, "saves"))
        drawn(funnel_chart(some, "saves"))
        drawn(rates_caterpillar(ranked_rates(some), "saves", "worst"))
