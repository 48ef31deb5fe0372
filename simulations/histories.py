"""Promises of the data layer: problems of a history are recognized and named correctly, and gains stay correct."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.gains import daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from simulations import Promise
from simulations.counter_worlds import METRICS, ids, observed, snapshot_day, true_gains, worlds


def promises(scale: int) -> Iterator[Promise]:
    """Yield promises on clean histories and on ten types of damaged ones."""
    yield from _clean(np.random.default_rng(1), 25 * scale)
    yield from _gap(np.random.default_rng(2), 25 * scale)
    yield from _reset_of_one(np.random.default_rng(3), 25 * scale)
    yield from _reset_of_all(np.random.default_rng(4), 25 * scale)
    yield from _restated_at_once(np.random.default_rng(5), 25 * scale)
    yield from _restated_here_and_there(np.random.default_rng(6), 25 * scale)
    for window in (30, 90):
        yield from _rolling(np.random.default_rng(window), 25 * scale, window)
    yield from _lost_connection(np.random.default_rng(7), 25 * scale)
    yield from _zeros_of_some(np.random.default_rng(8), 16 * scale)
    yield from _restated_last_days(np.random.default_rng(9), 16 * scale)


def _clean(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    wrong = []
    for world in worlds(rng, runs):
        types = counter_types(LoadedHistory(observed(world)), METRICS)
        found = types.select(pl.sum_horizontal("falls", "resets", "restatements", "pins_reset")).to_series()
        wrong.append(bool((found > 0).any()) or set(types["counter_type"]) != {"lifetime"})
    yield _share("clean histories in which a problem is reported", wrong, 0.02, at_most=True)


def _gap(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    errors, recognized, naive = [], [], []
    for world in worlds(rng, runs):
        start = int(rng.integers(2, world.days - 4))
        missing = np.arange(start, min(start + int(rng.integers(1, 5)), world.days - 2))
        pins = observed(world, without=missing)
        gains = daily_gains(LoadedHistory(pins), ["impressions"])
        days = [snapshot_day(world, int(index)) - timedelta(days=1) for index in (*missing, missing[-1] + 1)]
        inside = gains.filter(pl.col("day").is_in(days))
        old = world.is_seen[0]
        truth = float((world.seen("impressions")[-1] - world.seen("impressions")[0])[old].sum())
        known = float(gains.filter(pl.col("id").is_in(ids(old)))["gain"].sum())
        errors.append(abs(known - truth))
        was_there = inside.filter(pl.col("id").is_in(ids(world.is_seen[start - 1])))
        recognized.append(bool(was_there["is_imputed"].all()))
        naive.append(len(days))
    yield Promise(
        "histories",
        "sync gap: largest error of the gain over the whole history, impressions",
        max(errors),
        1e-6,
        True,
        len(errors),
    )
    yield _share("sync gap: recognized (every gain over it is marked)", recognized, 0.98)
    yield Promise(
        "histories",
        "naive difference over a sync gap: gain of one day, as a multiple of a true day's gain",
        float(np.mean(naive)),
        2.0,
        False,
        len(naive),
    )


def _reset_of_one(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    recognized, errors, naive = [], [], []
    for world in worlds(rng, runs):
        at, values = int(rng.integers(2, world.days)), world.seen("impressions")
        candidates = np.flatnonzero(world.is_seen[at - 1] & (values[at - 1] >= 10))
        if not candidates.size:
            continue
        pin = int(rng.choice(candidates))
        truth = np.diff(values[:, pin])[world.is_seen[:-1, pin]]
        values[at:, pin] -= values[at - 1, pin]
        pins = observed(world, {"impressions": values})
        if values[at, pin] >= 0.5 * values[at - 1, pin]:
            continue  # the day's gain exceeds all earlier gains, so the reset cannot be seen
        gains = daily_gains(LoadedHistory(pins), ["impressions"])
        fallen = gains.filter("is_fall").select("id", "day", "fall").rows()
        day = snapshot_day(world, at) - timedelta(days=1)
        counter_type = counter_types(LoadedHistory(pins), ["impressions"])["counter_type"].item()
        recognized.append(fallen == [(f"{pin:05}", day, "reset")] and counter_type == "lifetime")
        known = gains.filter((pl.col("id") == f"{pin:05}") & ~pl.col("is_new"))["gain"].sum()
        lost = int(np.diff(world.seen("impressions")[:, pin])[at - 1])
        errors.append(abs(float(known) - (int(truth.sum()) - lost)))
        naive.append(int(np.diff(values[:, pin])[world.is_seen[:-1, pin]].sum()) < 0)
    yield _share("one pin's counter is reset: recognized, and no other problem reported", recognized, 0.98)
    wrong = sum(error > 1e-6 for error in errors) / len(errors)  # a new pin's first days can look like a spike
    what = "one pin's counter is reset: histories with a wrong gain on its other days"
    yield Promise("histories", what, wrong, 0.01, True, len(errors))
    yield _share("naive difference if one pin was reset: histories in which its gain is negative", naive, 0.5)


def _reset_of_all(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    recognized, errors = [], []
    for world in worlds(rng, runs):
        at = int(rng.integers(2, world.days))
        changed = {}
        for metric in METRICS:
            values = world.seen(metric)
            values[at:] -= np.where(world.is_seen[at - 1], values[at - 1], 0)
            changed[metric] = values
        pins = observed(world, changed)
        before = np.where(world.is_seen[at - 1], world.seen("impressions")[at - 1], 0)
        now = np.where(world.is_seen[at - 1], changed["impressions"][at], 0)
        if (before > now).sum() < 3 or now.sum() >= 0.5 * before.sum():
            continue
        if not (changed["impressions"][at:] * world.is_seen[at - 1]).any():
            continue  # zeros until the end look like a lost connection
        types = counter_types(LoadedHistory(pins), ["impressions"])
        recognized.append(types.select("counter_type", "resets").row(0) == ("lifetime", 1))
        gains = daily_gains(LoadedHistory(pins), ["impressions"]).filter(~pl.col("is_new") & ~pl.col("is_imputed"))
        truth = true_gains(world, "impressions")
        both = gains.join(truth, on=["id", "day"], how="left").drop_nulls("gain")
        errors.append(float((both["gain"] - both["truth"]).abs().max() or 0.0))  # type: ignore[arg-type]
    yield _share(
        "all counters are reset at one sync: recognized, and the counter type is still lifetime", recognized, 0.98
    )
    yield Promise(
        "histories",
        "all counters are reset: largest error of a known daily gain of a pin",
        max(errors),
        1e-6,
        True,
        len(errors),
    )


def _restated_at_once(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    recognized, labels_correct, excess, naive = [], [], [], []
    for world in worlds(rng, runs):
        at, values = int(rng.integers(2, world.days - 1)), world.seen("impressions")
        cut = np.maximum(values[at - 1] * rng.uniform(0.005, 0.02), 1).astype(np.int64) * world.is_seen[at - 1]
        if is_temporary := bool(rng.random() < 0.5):  # the next sync restores the counters
            values[at] = np.maximum(values[at] - cut, 0)
        else:
            values[at:] = np.maximum(values[at:] - cut, 0)
        fell = (values[at] < values[at - 1]) & world.is_seen[at - 1]
        could_fall = (values[at - 1] > 0) & world.is_seen[at - 1]
        if fell.sum() < max(3, 0.1 * could_fall.sum()):
            continue  # the day's gains hide it in almost all pins
        pins = observed(world, {"impressions": values})
        types, gains = (
            counter_types(LoadedHistory(pins), ["impressions"]),
            daily_gains(LoadedHistory(pins), ["impressions"]),
        )
        expected = "restated" if fell.sum() > 0.5 * could_fall.sum() else "lifetime"
        recognized.append(types.select("counter_type", "restatements").row(0) == (expected, 1))
        falls = gains.filter("is_fall")
        labels_correct.append(falls.height == fell.sum() and set(falls["fall"]) == {"restatement"})
        if is_temporary:
            old = world.is_seen[0]
            truth = float((world.seen("impressions")[-1] - world.seen("impressions")[0])[old].sum())
            measured_gain = gains.filter(pl.col("id").is_in(ids(old)) & ~pl.col("is_new"))["gain"].sum()
            excess.append(max(0.0, float(measured_gain) - truth))
            naive.append(float(np.maximum(np.diff(values[:, old], axis=0), 0).sum()) > truth)
    yield _share("many counters restated at one sync: the sync and the counter type are recognized", recognized, 0.98)
    yield _share("many counters restated at one sync: exactly the falls are called restatements", labels_correct, 0.98)
    yield Promise(
        "histories",
        "restated and restored: largest excess of the gain over the history",
        max(excess),
        1e-6,
        True,
        len(excess),
    )
    yield _share(
        "naive sum of rises if restated counters were restored: histories in which it is too large", naive, 0.5
    )


def _restated_here_and_there(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    recognized, labels_correct = [], []
    for world in worlds(rng, runs):
        changed, falls = {}, {}
        for metric in METRICS:
            values = world.seen(metric)
            is_cut = (rng.random(values.shape) < 0.01) & world.is_seen
            cut = np.where(is_cut, np.maximum(rng.integers(1, 3, values.shape), np.floor(values * 0.01)), 0)
            values = np.maximum(values - np.cumsum(cut, axis=0).astype(np.int64), 0)
            changed[metric] = values
            falls[metric] = int(((np.diff(values, axis=0) < 0) & world.is_seen[:-1]).sum())
        pins = observed(world, changed)
        types = counter_types(LoadedHistory(pins), METRICS)
        recognized.append(set(types["counter_type"]) == {"lifetime"})
        gains = daily_gains(LoadedHistory(pins), METRICS).filter("is_fall")
        labels_correct.append(gains.height == sum(falls.values()) and set(gains["fall"]) <= {"restatement"})
    yield _share("1 in 100 counters restated at each sync: the counter type is lifetime", recognized, 0.98)
    yield _share("1 in 100 counters restated at each sync: each fall is called a restatement", labels_correct, 0.98)


def _rolling(rng: np.random.Generator, runs: int, window: int) -> Iterator[Promise]:
    recognized, strict, has_enough_falls = [], [], []
    for world in worlds(rng, runs):
        changed = {}
        for metric in METRICS:
            whole = world.counters[metric]
            windowed = whole.copy()
            windowed[window:] -= whole[:-window]
            changed[metric] = windowed[-world.days :]
        is_fall = (np.diff(changed["impressions"], axis=0) < 0) & world.is_seen[:-1]
        has_enough_falls.append(is_fall.sum() >= 5 and (is_fall.sum(axis=1) > 0).sum() >= 3)
        types = dict(
            counter_types(LoadedHistory(observed(world, changed)), METRICS).select("metric", "counter_type").iter_rows()
        )
        if has_enough_falls[-1]:
            recognized.append(types["impressions"] == "rolling")
            strict.append(set(types.values()) == {"rolling"})
    name = f"counters of {window} days"
    yield _share(f"{name}: impressions recognized as rolling, in histories with 5 falls on 3 days", recognized, 0.98)
    yield _share(f"{name}: saves recognized as rolling too", strict, 0.98)
    yield _share(f"{name}: histories with 5 falls on 3 days", has_enough_falls, 0.8)


def _lost_connection(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    errors, naive = [], []
    for world in worlds(rng, runs):
        at, values = int(rng.integers(2, world.days - 3)), world.seen("impressions")
        old = world.is_seen[at - 1] & (values[at - 1] > 0)
        if old.sum() < 3:
            continue
        values[at : at + 2] = 0
        gains = daily_gains(LoadedHistory(observed(world, {"impressions": values})), ["impressions"])
        first = world.is_seen[0]
        truth = float((world.seen("impressions")[-1] - world.seen("impressions")[0])[first].sum())
        measured_gain = float(gains.filter(pl.col("id").is_in(ids(first)) & ~pl.col("is_new"))["gain"].sum())
        errors.append(abs(measured_gain - truth) / max(truth, 1.0))
        rises = float(np.maximum(np.diff(values[:, first], axis=0), 0).sum())
        naive.append(rises / max(truth, 1.0))
    yield Promise(
        "histories",
        "two syncs of zeros for all pins: largest relative error of the gain over the history",
        max(errors),
        1e-6,
        True,
        len(errors),
    )
    yield Promise(
        "histories",
        "naive sum of rises over two syncs of zeros: multiple of the true gain (median)",
        float(np.median(naive)),
        1.5,
        False,
        len(naive),
    )


def _zeros_of_some(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    """Yield zeros for 60% of the pins at two syncs: of the same pins or of others, in a row or apart."""
    errors, usable = [], []
    for world in worlds(rng, runs):
        first, second = np.sort(rng.choice(np.arange(2, world.days - 1), 2, replace=False))
        second = first + 1 if rng.random() < 0.5 else second
        is_zero = rng.random((2, world.born.size)) < 0.6
        is_zero[1] = is_zero[0] if rng.random() < 0.5 else is_zero[1]
        values = world.seen("impressions")
        there = world.is_seen[first - 1] & (values[first - 1] > 2)
        if min((is_zero & there).sum(axis=1)) < 3:
            continue
        values[[first, second]] *= ~is_zero
        pins = LoadedHistory(observed(world, {"impressions": values}))
        gains, old = daily_gains(pins, ["impressions"]), world.is_seen[first - 1]
        told = gains.filter(pl.col("id").is_in(ids(old)) & ~pl.col("is_new"))
        truth = true_gains(world, "impressions").join(told.select("id").unique(), on="id")
        both = told.join(truth, on=["id", "day"])
        errors.append(float((both["gain"].fill_null(0) - both["truth"]).sum()) / max(float(both["truth"].sum()), 1.0))
        clean = both.filter(~pl.col("is_imputed"))
        usable.append(bool((clean["gain"] == clean["truth"]).all(ignore_nulls=False)))
    yield Promise(
        "histories",
        "zeros for 60% of the pins at two syncs: largest relative error of the gain over the history",
        max(map(abs, errors)),
        1e-6,
        True,
        len(errors),
    )
    yield _share("zeros for 60% of the pins at two syncs: every gain is true or marked", usable, 0.98)


def _restated_last_days(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    """Yield counters whose last two days are counted again at each sync, 30% too many or too few."""
    recognized, labeled, errors = [], [], []
    for world in worlds(rng, runs):
        changed = {}
        for metric in METRICS:
            gained = np.diff(world.counters[metric], axis=0, prepend=0)
            last = gained[-world.days :], gained[-world.days - 1 : -1]
            noise = sum(day * np.maximum(rng.normal(0, 0.3, day.shape), -1) for day in last)
            changed[metric] = np.round(world.seen(metric) + noise).astype(np.int64)
        pins = LoadedHistory(observed(world, changed))
        recognized.append(set(counter_types(pins, METRICS)["counter_type"]) <= {"lifetime", "restated"})
        gains = daily_gains(pins, ["impressions"])
        falls = gains["fall"].drop_nulls()
        labeled.append(bool((falls != "restatement").sum() <= 0.05 * falls.len()))
        old = world.is_seen[0]
        truth = float((world.seen("impressions")[-1] - world.seen("impressions")[0])[old].sum())
        told = float(gains.filter(pl.col("id").is_in(ids(old)) & ~pl.col("is_new"))["gain"].sum())
        errors.append(abs(told - truth) / max(truth, 1.0))
    yield _share("the last two days restated up and down at each sync: gains stay usable", recognized, 0.98)
    yield _share("the same: all falls but a few are called restatements", labeled, 0.98)
    yield Promise(
        "histories",
        "the same: relative error of the gain over the history (median)",
        float(np.median(errors)),
        0.02,
        True,
        len(errors),
    )


def _share(what: str, outcomes: list[bool], bound: float, *, at_most: bool = False) -> Promise:
    return Promise("histories", what, float(np.mean(outcomes)), bound, at_most, len(outcomes))
