"""OneUp's own totals are checked."""

import pytest

from unit_tests.quality.contexts import context_of, find_by_check, metric, pin


@pytest.mark.parametrize(("posts", "is_found"), [(3, False), (4, True), (2, True)])
def test_posts_are_compared_with_pins_published_in_the_period(posts: int, is_found: bool) -> None:
    pins = [pin(number, 0) for number in range(3)]
    assert ("posts_differ" in find_by_check(context_of(pins, [metric("posts", posts, end=-1, days=14)]))) is is_found


def test_zeros_older_than_90_days_are_found_before_nonzero_figures() -> None:
    old = [metric("saves", 0 if end < -90 else 7, end, days=7, synced=0) for end in range(-119, -28, 7)]
    old = [{**row, "preset": "last_7_days"} for row in old]
    assert "5 whole periods" in find_by_check(context_of(overview=old))["older_than_kept"].what
    never = [{**row, "value_current_period": 0, "value_last_period": 0} for row in old]
    always = [{**row, "value_current_period": 7, "value_last_period": 7} for row in old]
    assert "older_than_kept" not in find_by_check(context_of(overview=never))
    assert "older_than_kept" not in find_by_check(context_of(overview=always))


def test_empty_period_before_the_last_90_days_is_found() -> None:
    rows = [metric("saves", 40, end, days=90, preset="last_90_days", value_last_period=0) for end in range(3)]
    assert "the period before 3 periods" in find_by_check(context_of(overview=rows))["older_than_kept"].what
