"""The parts of a change that people see are whole counts, and they add up to the last one."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.history.account_history import load_account_histories
from oneup_pinterest.questions.summary.statistic import comparison_days
from oneup_pinterest.questions.why.parts import PARTS, few_pins, whole_parts
from oneup_pinterest.questions.why.statistic import gain_split, largest_parts
from test_support.history import make_history, make_long_history
from unit_tests.questions.test_change import HISTORIES


def test_whole_parts_add_up_for_any_fractions() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2_000):
        before, *parts = rng.normal(0, 30, 4).round(3).tolist()
        split = {"before": before, "now": before + sum(parts), **dict(zip(PARTS, parts, strict=True))}
        whole = whole_parts(split)
        assert whole["now"] - whole["before"] == sum(whole[name] for name in PARTS)
        assert all(abs(whole[name] - split[name]) < 2 for name in PARTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HISTORIES, "long"])
def test_parts_add_up_in_every_test_history(tmp_path: Path, name: str) -> None:
    path = tmp_path / "h.duckdb"
    make_long_history(path) if name == "long" else make_history(path, **HISTORIES[name])
    checked = 0
    for history in load_account_histories(path):
        days = comparison_days(history)
        if not days or not history.metrics:
            continue
        for row in gain_split(history, days, history.metrics).iter_rows(named=True):
            if row["reason"] is None:
                whole = whole_parts(row)
                assert whole["now"] - whole["before"] == sum(whole[part] for part in PARTS)
                assert sum(row[part] for part in PARTS) == pytest.approx(row["now"] - row["before"], abs=1e-6)
                parts = largest_parts(history, row["metric"], days)
                assert parts["difference"].sum() == pytest.approx(row["difference"], abs=1e-6)
                checked += 1
    assert bool(checked) == (name not in ("empty", "one sync", "one pin", "rolling"))


def test_few_pins_are_the_fewest_that_make_half() -> None:
    parts = pl.DataFrame(
        {"id": ["a", "b", "c"], "before": [0.0, 0.0, 50.0], "now": [40.0, 30.0, 70.0], "difference": [40.0, 30.0, 20.0]}
    )
    found = few_pins(parts, 100.0, 190.0)
    assert found is not None
    assert found.pins["id"].to_list() == ["a", "b"]
    assert found.without == pytest.approx(20.0)


def test_many_small_parts_have_no_few_pins() -> None:
    parts = pl.DataFrame({"id": [str(n) for n in range(20)], "before": 0.0, "now": 1.0, "difference": 1.0})
    assert few_pins(parts, 0.0, 20.0) is None
    assert few_pins(parts, 20.0, 20.0) is None
