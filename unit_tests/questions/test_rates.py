"""Rates shrink toward the mean of the account, more for fewer impressions; impossible counters are left out."""

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
from unit_tests.questions.test_change import HISTORIES, checked_spec


def pins_of(impressions: list[int | None], saves: list[int | None], account: str = "pin_a") -> pl.DataFrame:
    """Return pins with a single snapshot."""
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


def random_pins(pins: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    impressions = np.maximum(rng.lognormal(5, 1.6, pins), 1).astype(int)
    return pins_of(impressions.tolist(), rng.binomial(impressions, rng.beta(2, 198, pins)).tolist())


def test_rates_with_fewer_impressions_are_closer_to_the_mean() -> None:
    rates = pin_rates(AccountHistory.from_pins(random_pins()))
    few, lots = pl.col("impressions") < 30, pl.col("impressions") > 3000
    off = ((pl.col("rate") - pl.col("raw")).abs(), (pl.col("rate") - pl.col("prior_mean")).abs())
    assert rates.filter(few).select(off[1].mean()).item() < rates.filter(few).select(off[0].mean()).item()
    assert rates.filter(lots).select(off[0].mean()).item() < rates.filter(lots).select(off[1].mean()).item()
    assert rates.select(pl.col("rate").is_between("rate_low", "rate_high").all()).item()


def test_fitted_prior_recovers_the_true_prior() -> None:
    pins = random_pins(3000)
    a, b = fitted_prior(pins["saves"].to_numpy().astype(float), pins["impressions"].to_numpy().astype(float))
    assert a / (a + b) == pytest.approx(0.01, rel=0.1)
    assert a + b == pytest.approx(200, rel=0.25)


def test_equal_pins_share_one_rate() -> None:
    rates = pin_rates(AccountHistory.from_pins(pins_of([1000] * 200, [10] * 200)))
    assert rates["prior_strength"][0] > 5_000
    assert rates["rate"].to_list() == pytest.approx([0.01] * 200, rel=0.01)


@pytest.mark.parametrize(
    ("impressions", "saves"),
    [([100, 50, 7], [0, 0, 0]), ([10], [0]), ([10], [3]), ([5, 9], [5, 9]), ([3] * 4, [1] * 4)],
)
def test_degenerate_pins_have_rates_and_wide_intervals(impressions: list[int | None], saves: list[int | None]) -> None:
    for row in pin_rates(AccountHistory.from_pins(pins_of(impressions, saves))).iter_rows(named=True):
        assert 0 <= row["rate_low"] <= row["rate"] <= row["rate_high"] <= 1
        assert row["rate_high"] - row["rate_low"] > 0.005


def test_impossible_counters_have_a_reason_and_change_no_other_rate() -> None:
    with_bad, without = pins_of([1000, 900, 10, 0, None, 5], [9, 10, 40, 3, 3, None]), pins_of([1000, 900], [9, 10])
    rates = pin_rates(AccountHistory.from_pins(with_bad))
    assert rates["reason"].to_list() == [None, None, "more saves than impressions"]
    assert rates["rate"].to_list() == [*pin_rates(AccountHistory.from_pins(without))["rate"].to_list(), None]


def test_counters_of_different_windows_have_no_rate() -> None:
    types = pl.DataFrame(
        {"social_network_id": "pin_a", "metric": ["impressions", "saves"], "counter_type": ["lifetime", "rolling"]}
    )
    history = AccountHistory.from_pins(random_pins(20))
    history.counter_type = dict(types.select("metric", "counter_type").iter_rows()).get  # type: ignore[method-assign]
    rates = pin_rates(history)
    assert rates["rate"].null_count() == 20
    assert set(rates["reason"]) == {"saves and impressions do not count over the same window"}


def test_interval_of_an_unusual_pin_covers_its_own_rate() -> None:
    row = pin_rates(AccountHistory.from_pins(pins_of([2000] * 60 + [300], [20] * 60 + [18]))).row(-1, named=True)
    assert row["rate"] < 0.02, "shrunk to the others"
    assert (row["rate_low"], row["rate_high"]) == (pytest.approx(0.0092, abs=0.002), row["raw_high"])


def test_answers_say_that_rates_describe_the_past() -> None:
    assert "Rates are about what has been" in " ".join(rates_answer(AccountHistory.from_pins(random_pins())).notes)


def test_only_the_newest_row_per_pin_counts() -> None:
    old = random_pins(30).with_columns(snapshot_date=date(2026, 3, 8), saves=pl.lit(0, pl.Int64))
    assert pin_rates(AccountHistory.from_pins(pl.concat([random_pins(30), old]))).equals(
        pin_rates(AccountHistory.from_pins(random_pins(30)))
    )


def test_wilson_interval_agrees_with_scipy() -> None:
    counts, shown = np.array([0.0, 1, 7, 40]), np.array([5.0, 10, 300, 40])
    low, high = wilson_interval(counts, shown)
    for index, (count, of) in enumerate(zip(counts, shown, strict=True)):
        expected = stats.binomtest(int(count), int(of)).proportion_ci(method="wilson")
        assert (low[index], high[index]) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_chance_limits_contain_only_pins_that_share_one_rate() -> None:
    rng = np.random.default_rng(1)
    shown = rng.integers(100, 20_000, 2000)
    same = pins_of(shown.tolist(), rng.binomial(shown, 0.01).tolist())
    differing = pins_of(shown.tolist(), rng.binomial(shown, rng.beta(2, 198, 2000)).tolist())
    assert beyond_chance(pin_rates(AccountHistory.from_pins(same)))[1] / 2000 < 0.06
    assert beyond_chance(pin_rates(AccountHistory.from_pins(differing)))[1] / 2000 > 0.5
    low, high = chance_limits(0.0, np.array([10.0]))
    assert (low[0], high[0]) == (0, 0.1)  # one of ten impressions


def test_lucky_pin_with_few_impressions_is_not_the_best() -> None:
    ranked = ranked_rates(
        pin_rates(AccountHistory.from_pins(pins_of([3, 5000, *[2000] * 40], [1, 150, *[20] * 40]))), top=1
    )
    assert ranked["id"][0] == "00001"
    assert ranked["p_in_top"][0] > 0.9
    assert ranked["rank"].to_list() == list(range(1, 43))


def test_probabilities_add_up_to_the_size_of_the_top() -> None:
    ranked = ranked_rates(pin_rates(AccountHistory.from_pins(random_pins(80))), top=10)
    assert ranked["p_in_top"].sum() == pytest.approx(10)
    assert ranked["p_in_bottom"].sum() == pytest.approx(10)


def test_row_order_does_not_matter() -> None:
    pins = random_pins(50)
    mixed = pins.sample(fraction=1, shuffle=True, seed=3)
    first, second = (ranked_pins(AccountHistory.from_pins(rows)) for rows in (pins, mixed))
    assert first.equals(second)


def test_frames_without_rows_have_the_same_columns() -> None:
    rates = pin_rates(AccountHistory.from_pins(random_pins(9)))
    assert pin_rates(AccountHistory.from_pins(random_pins(9).clear())).schema == rates.schema
    assert ranked_rates(rates.clear()).schema == ranked_rates(rates).schema


def test_hostile_texts_are_harmless_in_the_answer() -> None:
    pins = random_pins(60).with_columns(
        text=pl.lit(HOSTILE_TEXT + "\n\x00"), permalink=pl.lit("javascript:window.hacked=1")
    )
    answer = ranking_answer(AccountHistory.from_pins(pins))
    assert "\x00" not in answer.sentence
    assert answer.table is not None
    assert answer.table["Link"].null_count() == answer.table.height
    names = {row["name"] for row in checked_spec(answer.chart)["data"]["values"]}
    assert len(names) == 10  # pins with the same text have separate rows


def test_sentence_has_the_number_of_pins_and_the_table_has_30_rows() -> None:
    answer = rates_answer(AccountHistory.from_pins(random_pins()))
    assert "of 300 pins" in answer.sentence
    assert answer.table is not None
    assert answer.table.height == 30


@pytest.mark.slow
@pytest.mark.parametrize("name", HISTORIES)
def test_every_history_gets_valid_answers(tmp_path: Path, name: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **HISTORIES[name])).filter(
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
                checked_spec(answer.chart)


def test_charts_with_few_pins_do_not_fail() -> None:
    rates = pin_rates(AccountHistory.from_pins(random_pins(3)))
    for some in (rates, rates.head(1), rates.clear()):
        checked_spec(shrinkage_chart(some, "saves"))
        checked_spec(funnel_chart(some, "saves"))
        checked_spec(rates_caterpillar(ranked_rates(some), "saves", "worst"))
