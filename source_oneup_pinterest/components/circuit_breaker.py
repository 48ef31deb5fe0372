"""Stop requests that keep failing."""

import threading
import time
from typing import NamedTuple

from airbyte_cdk.models import FailureType


class Target(NamedTuple):
    """What a request reads: an endpoint and an account, or None for the account list."""

    url: str
    account: str | None


class Failure(NamedTuple):
    """Why a target failed."""

    reason: str
    failure_type: FailureType


class CircuitBreaker:
    """Remember the targets that failed in this sync, and whether OneUp seems to be down.

    Otherwise a first sync would wait out a failure once per window, and an outage once per account.
    """

    FAILURE_THRESHOLD = 3  # requests that failed after every retry, with no success in between

    def __init__(self) -> None:
        self._failures: dict[Target, Failure] = {}
        self._last_success = 0.0
        self._failures_in_a_row = 0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Return whether OneUp seems to be down: until the next success every request is tried only once."""
        return self._failures_in_a_row >= self.FAILURE_THRESHOLD

    def failure_of(self, target: Target) -> Failure | None:
        """Return why a target failed earlier in this sync, or None."""
        return self._failures.get(target)

    def record_success(self) -> None:
        with self._lock:
            self._last_success, self._failures_in_a_row = time.monotonic(), 0

    def record_failure(self, target: Target, failure: Failure, since: float) -> None:
        """Remember a failure of a request that started at `since` (of `time.monotonic`)."""
        if failure.failure_type == FailureType.system_error:
            return  # another window of the same account may succeed
        with self._lock:
            self._failures[target] = failure
            if failure.failure_type == FailureType.transient_error and self._last_success < since:
                self._failures_in_a_row += 1
