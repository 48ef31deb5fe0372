"""What the statistics promise (false alarms, coverage, error) holds on made-up data whose truth is known."""

import pytest

from simulations.themes import THEMES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("theme", THEMES)
def test_every_promise_is_kept_on_data_whose_truth_is_known(theme: str) -> None:
    promises = list(THEMES[theme](1))
    assert promises
    broken = [promise for promise in promises if not promise.is_kept]
    assert not broken
