"""What the statistics promise (false alarms, coverage, error) holds on simulated data whose truth is known."""

import os

import pytest

from simulations.themes import THEMES

SCALE = int(os.environ.get("ONEUP_PINTEREST_SIMULATION_SCALE", "10"))  # times as many histories as in the slow tests


def assert_kept(theme: str, scale: int) -> None:
    promises = list(THEMES[theme](scale))
    assert promises
    assert [promise for promise in promises if not promise.is_kept] == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
def test_every_promise_is_kept_on_a_few_simulated_histories(theme: str) -> None:
    assert_kept(theme, 1)


@pytest.mark.nightly
@pytest.mark.parametrize("theme", THEMES)
def test_every_promise_is_kept_on_many_simulated_histories(theme: str) -> None:
    assert_kept(theme, SCALE)
