"""The statistics keep their promises (false alarms, coverage, error) on simulated data whose truth is known."""

import os

import pytest

from simulations.questions import QUESTIONS

SCALE = int(os.environ.get("ONEUP_PINTEREST_SIMULATION_SCALE", "10"))  # multiple of the histories in the slow tests


def assert_kept(question: str, scale: int) -> None:
    promises = list(QUESTIONS[question](scale))
    assert promises
    assert [promise for promise in promises if not promise.is_kept] == []


@pytest.mark.slow
@pytest.mark.parametrize("question", ["change", "movers", "rates"])  # the kinds of methods; the others every night
def test_promises_are_kept_on_a_few_simulated_histories(question: str) -> None:
    assert_kept(question, 1)


@pytest.mark.nightly
@pytest.mark.parametrize("question", QUESTIONS)
def test_promises_are_kept_on_many_simulated_histories(question: str) -> None:
    assert_kept(question, SCALE)
