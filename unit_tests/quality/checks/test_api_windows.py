"""Responses are checked against their totals and for a cap."""

from datetime import timedelta
from typing import Any

from oneup_pinterest.quality.window_sums import pins_against_totals
from unit_tests.quality.contexts import FIRST, context_of, find_by_check, metric, pin


def test_sums_over_pins_are_compared_with_totals() -> None:
    window: dict[str, Any] = {"period_start": FIRST - timedelta(days=30), "period_end": FIRST - timedelta(days=1)}
    totals = [metric("impressions", 300, **window), metric("posts", 3, **window)]
    context = context_of([pin(1, 0, 100), pin(2, 0, 140)], totals=totals)
    both = pins_against_totals(context.history)
    assert both.select("key", "total", "pins_sum").rows() == [("impressions", 300.0, 240.0), ("posts", 3.0, 2.0)]
    assert "The impressions of the pins add up to 80% of the total" in find_by_check(context)["sums_differ"].what
    assert "2 pins and 3 posts" in find_by_check(context)["missing_pins"].what
    agreeing = context_of([pin(1, 0, 100), pin(2, 0, 200)], totals=[totals[0], metric("posts", 2, **window)])
    assert not {"sums_differ", "missing_pins"} & set(find_by_check(agreeing))


def test_fifty_pins_are_not_a_cap_if_other_data_refutes_it() -> None:
    fifty = [pin(number, 0) for number in range(50)]
    assert "possible_cap" in find_by_check(context_of(fifty))
    assert "possible_cap" not in find_by_check(context_of([*fifty, *(pin(number, 1) for number in range(53))]))
    window = {"period_start": FIRST - timedelta(days=30), "period_end": FIRST - timedelta(days=1)}
    assert "possible_cap" not in find_by_check(context_of(fifty, totals=[metric("posts", 50, **window)]))
    assert "possible_cap" in find_by_check(context_of(fifty, totals=[metric("posts", 53, **window)]))
