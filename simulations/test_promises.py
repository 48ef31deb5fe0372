"""The statistics keep their promises (false alarms, coverage, error) on simulated data whose truth is known."""

import os

import pytest

from simulations.questions import QUESTIONS

SCALE = int(os.environ.get("ONEUP_PINTEREST_SIMULATION_SCALE", "10"))  # multiple of the histories in the slow tests


# The quickest that fail if gains are wrong, or the model of change behind the verdicts of the report. The unit tests of
# each statistic run in `make test`, and all promises in `make nightly`.
IN_SLOW_TESTS = ("glitches", "change")


def assert_kept(question: str, scale: int) -> None:
    promises = list(QUESTIONS[question](scale))
    assert promises
    assert [promise for promise in promises if not promise.is_kept] == []


@pytest.mark.slow
@pytest.mark.parametrize("question", IN_SLOW_TESTS)
def test_promises_are_kept_on_a_few_simulated_histories(question: str) -> None:
    assert_kept(question, 1)


@pytest.mark.nightly
@pytest.mark.parametrize("question", QUESTIONS)
def test_promises_are_kept_on_many_simulated_histories(question: str) -> None:
    assert_kept(question, SCALE)
