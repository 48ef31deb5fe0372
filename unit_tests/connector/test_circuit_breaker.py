"""The circuit breaker remembers failed targets, opens after several failures and closes after a success."""

import time

from airbyte_cdk.models import FailureType

from source_oneup_pinterest.components.circuit_breaker import CircuitBreaker, Failure, Target

REASON = Failure("The connection failed.", FailureType.transient_error)


def target(n: int) -> Target:
    return Target("https://analyze.oneupapp.io/api/pinterest/posts", f"pin_{n}")


def test_failed_target_is_remembered_and_others_are_not() -> None:
    breaker = CircuitBreaker()
    breaker.record_failure(target(0), REASON, time.monotonic())

    assert breaker.failure_of(target(0)) == REASON
    assert breaker.failure_of(target(1)) is None


def test_system_error_is_not_remembered() -> None:
    breaker = CircuitBreaker()
    breaker.record_failure(target(0), Failure("Bad.", FailureType.system_error), time.monotonic())

    assert breaker.failure_of(target(0)) is None


def test_breaker_opens_at_the_threshold_and_closes_with_a_success() -> None:
    breaker = CircuitBreaker()
    for n in range(CircuitBreaker.FAILURE_THRESHOLD):
        assert not breaker.is_open
        breaker.record_failure(target(n), REASON, time.monotonic())
    assert breaker.is_open

    breaker.record_success()

    assert not breaker.is_open


def test_request_that_started_before_a_success_does_not_count() -> None:
    breaker = CircuitBreaker()
    since = time.monotonic() - 1
    breaker.record_success()
    for n in range(CircuitBreaker.FAILURE_THRESHOLD):
        breaker.record_failure(target(n), REASON, since)

    assert not breaker.is_open


def test_config_error_does_not_open_the_breaker() -> None:
    breaker = CircuitBreaker()
    for n in range(CircuitBreaker.FAILURE_THRESHOLD):
        breaker.record_failure(target(n), Failure("No access.", FailureType.config_error), time.monotonic())

    assert not breaker.is_open
