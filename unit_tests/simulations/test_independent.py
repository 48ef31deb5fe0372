"""The made-up accounts are what their designs ask for: effects, batches, counters, frames, and the same per seed."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from simulations.independent import METRICS, SATURDAY, VIDEO, WORD, Design, IndependentWorld
from simulations.independent.open_families import FAMILIES as OPEN
from simulations.independent.sealed_families import FAMILIES as SEALED

FAMILIES = OPEN | SEALED
SMALL = Design(days=16, effect_days=7, pins_per_day=0.4)
DESIGNS = [
    SMALL,
    replace(SMALL, batch=14, history_days=10, first_weekday=SATURDAY, word_effect=2.0, weekday_effect=0.5),
    replace(SMALL, day_sd=0.5, effect=3.0, new_pin_effect=2.0, format_effect=0.0, word_share=1.0),
    replace(SMALL, pins_per_day=0.0, log_sd=0.0, day_sd=0.0, effect=0.0, effect_metrics=METRICS, word_share=0.0),
    Design(days=1, effect_days=28, log_sd=2.5, pins_per_day=0.2),
]
CARRIERS = {
    "word_effect": lambda world: world.has_word,
    "weekday_effect": lambda world: world.weekday == SATURDAY,
    "format_effect": lambda world: np.array(world.format) == VIDEO,
    "new_pin_effect": lambda world: world.born >= world.truth["start"],
}
families = pytest.mark.parametrize("name", FAMILIES)


def draw(name: str, design: Design, seed: int = 5) -> IndependentWorld:
    """Return the account of a family for a seed."""
    return FAMILIES[name](np.random.default_rng(seed), design)


def test_no_family_is_in_both_files() -> None:
    assert not set(OPEN) & set(SEALED)
    assert min(len(OPEN), len(SEALED)) >= 7


@families
def test_every_family_follows_every_design(name: str) -> None:
    for design in DESIGNS:
        check_world(draw(name, design), design)


def check_world(world: IndependentWorld, design: Design) -> None:
    """Assert that an account is whole and fits its design."""
    pins = len(world.born)
    assert pins > 0
    assert set(world.gains) == set(world.before) == set(METRICS)
    for metric in METRICS:
        assert world.gains[metric].shape == (design.total_days, pins)
        assert world.gains[metric].dtype == world.before[metric].dtype == np.int64
        assert world.gains[metric].min() >= 0
        assert (np.diff(world.counters()[metric], axis=0) >= 0).all()
        assert (world.gains[metric] <= world.gains["impressions"]).all()
        assert not world.before[metric][world.born >= 0].any()
        assert not world.gains[metric][np.arange(design.total_days)[:, None] < world.born].any()
    assert len(world.title) == len(world.format) == len(world.minute) == len(world.topic) == pins
    assert [WORD in title.lower().split() for title in world.title] == world.has_word.tolist()
    assert world.born.max() < design.total_days
    assert {"ratio", "drift", "given_pins", "start"} <= set(world.truth)
    assert world.truth["ratio"] == design.effect
    assert all(isinstance(value, float) for value in world.truth.values())


@families
def test_same_seed_draws_same_account(name: str) -> None:
    one, again, other = (draw(name, SMALL, seed) for seed in (8, 8, 9))
    day = date(2026, 3, 2)
    frame = one.pins_frame(one.aligned_date(day))
    assert frame.equals(again.pins_frame(again.aligned_date(day)))
    assert not frame.equals(other.pins_frame(other.aligned_date(day)))


@families
def test_batches_are_weekly_and_whole(name: str) -> None:
    world = draw(name, replace(SMALL, batch=14))
    days, sizes = np.unique(world.born, return_counts=True)
    assert (sizes == 14).all()
    assert (np.diff(days) % 7 == 0).all()
    assert len(np.unique(world.weekday)) == 1


@families
def test_effect_doubles_the_mean_of_its_days_and_metrics(name: str) -> None:
    design = Design(days=14, effect_days=7, pins_per_day=0.8)
    rng, rng_doubled = np.random.default_rng(3), np.random.default_rng(3)
    sums = np.zeros((2, 2, 3))
    for _ in range(12):
        rng_doubled.bit_generator.state = rng.bit_generator.state
        worlds = FAMILIES[name](rng, design), FAMILIES[name](rng_doubled, replace(design, effect=2.0))
        for place, world in enumerate(worlds):
            daily = np.array([world.gains[metric].sum(axis=1) for metric in METRICS])
            sums[place] += daily[:, :7].sum(axis=1), daily[:, 7:].sum(axis=1)
    ratio = sums[1] / sums[0]
    assert ratio[0, :2] == pytest.approx([1, 1])  # clicks are drawn after the saves that differ
    assert ratio[1, 0] == pytest.approx(1)
    tolerance = 6 * np.sqrt(3 / sums[0].min()) + 0.02
    assert ratio[0, 2] == pytest.approx(1, abs=tolerance)
    assert ratio[1, 1:] == pytest.approx([2, 2], abs=tolerance)


@families
def test_effects_on_reach_hit_only_their_pins(name: str) -> None:
    for field, carries in CARRIERS.items():
        world = draw(name, replace(SMALL, **{field: 0.0}))
        hit = carries(world)
        assert hit.any(), field
        assert world.gains["impressions"][:, hit].sum() == world.before["impressions"][hit].sum() == 0, field
        assert world.gains["impressions"].sum() + world.before["impressions"].sum() > 0, field


def test_bursts_are_high_on_their_days() -> None:
    world = draw("bursts", Design(days=200, pins_per_day=1.0))
    impressions = world.gains["impressions"]
    rows = world.bursts[(world.bursts[:, 1] >= 10) & (world.bursts[:, 1] < 190)]
    assert len(rows) > 2
    assert set(rows[:, 0]) <= set(world.burst_pins)
    before = sum(impressions[first - 3 : first, pin].sum() for pin, first, _ in rows)
    during = sum(impressions[first : first + 3, pin].sum() for pin, first, _ in rows)
    assert during > 10 * before


def test_null_totals_keep_to_their_drift() -> None:
    design = Design(days=28, effect_days=14, pins_per_day=1.0, log_sd=0.5, day_sd=0.0)
    for family in (OPEN["poisson_lognormal"], OPEN["yearly_wave"]):
        rng = np.random.default_rng(11)
        logs = []
        for _ in range(60):
            world = family(rng, design)
            totals = world.gains["impressions"].sum(axis=1)
            logs.append(np.log(totals[14:].sum() / totals[:14].sum() / world.truth["drift"]))
        assert abs(np.mean(logs)) < 6 * np.std(logs) / np.sqrt(60)


def test_frame_has_a_snapshot_per_pin_and_day() -> None:
    world = draw("poisson_lognormal", replace(SMALL, first_weekday=0))
    frame = world.pins_frame(date(2026, 1, 5))
    assert dict(frame.schema) == {
        "social_network_id": pl.String,
        "id": pl.String,
        "timestamp": pl.Datetime("us"),
        "text": pl.String,
        "snapshot_date": pl.Date,
        "format": pl.String,
        "media_type": pl.String,
        **dict.fromkeys(METRICS, pl.Int64),
    }
    assert frame.null_count().sum_horizontal().item() == 0
    assert frame.select("id", "snapshot_date").is_unique().all()
    assert (frame["timestamp"].dt.date() <= frame["snapshot_date"]).all()
    assert frame.height == sum(SMALL.total_days - max(0, born) for born in world.born)
    last = frame.filter(snapshot_date=date(2026, 1, 20))
    assert last["saves"].to_list() == world.counters()["saves"][-1].tolist()
    opening = world.pins_frame(date(2026, 1, 5), opening=True, repins=True)
    assert opening["snapshot_date"].min() == date(2026, 1, 4)
    assert opening["repins"].equals(opening["saves"], check_names=False)
    assert opening.filter(snapshot_date=date(2026, 1, 4))["saves"].sum() == world.before["saves"].sum()
    assert opening.filter(pl.col("snapshot_date") > date(2026, 1, 4)).drop("repins").equals(frame)


def test_frame_refuses_a_date_of_another_weekday() -> None:
    world = draw("poisson_lognormal", replace(SMALL, first_weekday=2))
    assert world.aligned_date(date(2026, 1, 5)) == date(2026, 1, 7)
    with pytest.raises(ValueError, match="weekday"):
        world.pins_frame(date(2026, 1, 5))


def test_impossible_designs_are_refused() -> None:
    for field, value in (("days", 0), ("effect", -1.0), ("word_share", 1.5), ("effect_metrics", ("likes",))):
        with pytest.raises(ValueError, match="`"):
            Design(**{field: value})
