"""Drawings of the page stay inside their boxes, and their bars add up."""

import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from oneup_pinterest import report
from oneup_pinterest.questions.why.parts import PARTS
from oneup_pinterest.report.drawing import (
    FALL_WIDTH,
    LABEL_WIDTH,
    NUMBER_WIDTH,
    SPARK_HEIGHT,
    SPARK_WIDTH,
    spark,
    waterfall,
)

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(30)]


@pytest.mark.parametrize(
    "values", [[0.0] * 30, [5.0] * 30, list(range(30)), [1e9, *[0.0] * 29], [90.0 + n for n in range(30)]]
)
def test_line_stays_inside_its_box(values: list[float]) -> None:
    line = spark(DAYS, values)
    assert line is not None
    for point in line.points.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= SPARK_WIDTH
        assert 0 <= y <= SPARK_HEIGHT


def test_line_needs_two_days() -> None:
    assert spark(DAYS[:1], [3.0]) is None
    assert spark([], []) is None


def test_unequal_steps_of_days_are_drawn_to_scale() -> None:
    line = spark([DAYS[0], DAYS[10], DAYS[20]], [1.0, 2.0, 3.0])
    assert line is not None
    xs = [float(point.split(",")[0]) for point in line.points.split()]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1])


def test_bars_stay_inside_the_drawing_and_touch_each_other() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        before = float(rng.integers(0, 500))
        parts = rng.integers(-200, 300, 3).astype(float)
        now = before + parts.sum()
        if now < 0:
            continue
        split = {"metric": "saves", "before": before, "now": now, **dict(zip(PARTS, parts.tolist(), strict=True))}
        bars = waterfall(split | {"pins_before": 1, "pins_now": 2, "mean_before": 1.0, "mean_now": 2.0})
        for bar in bars:
            assert bar.x >= LABEL_WIDTH - 0.1
            assert bar.x + bar.width <= FALL_WIDTH - NUMBER_WIDTH + 1.1
        for one, other in pairwise(bars):
            assert one.tie is not None
            ends = (other.x, other.x + other.width)
            assert min(abs(one.tie - end) for end in ends) <= 1.1


def test_labels_fit_beside_the_bars_in_the_letters_of_a_phone() -> None:
    means = {"mean_before": 123_456.7, "mean_now": 654_321.0, "pins_before": 11_234, "pins_now": 12_345}
    split = {"metric": "impressions", "before": 0.0, "now": 0.0, **dict.fromkeys(PARTS, 0.0)}
    style = (Path(report.__file__).parent / "template" / "page.css").read_text(encoding="utf-8")
    phone = max(int(size) for size in re.findall(r"\.fall \.axis, \.fall \.num \{ font-size: (\d+)px", style))
    for bar in waterfall(split | means):
        assert len(bar.label) * 0.52 * phone < LABEL_WIDTH - 10, bar.label  # a letter is about half as wide as high
