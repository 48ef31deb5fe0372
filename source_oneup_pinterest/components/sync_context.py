"""What the streams of one sync share."""

import threading
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from airbyte_cdk.sources.declarative.transformations.config_transformations.config_transformation import (
    ConfigTransformation,
)
from airbyte_cdk.sources.streams.call_rate import AbstractAPIBudget
from airbyte_cdk.sources.types import Config

from .circuit_breaker import CircuitBreaker
from .progress import ReadProgress
from .response_cache import ResponseCache
from .state import StreamPlan

SYNC_CONTEXT_KEY = "__sync_context"
DEFAULT_REQUESTS_PER_MINUTE = 120


class ReadPart(NamedTuple):
    """The windows to read next: the newest of each account or not, and the history of some accounts (None: of all)."""

    newest: bool = True
    history: frozenset[str] | None = None


class SyncContext(dict[str, Any]):
    """Hold what one sync shares: request budget, response cache, circuit breaker, plans, progress, logged warnings.

    The CDK builds every component from the same config, so the context is a value of the config. It is an empty
    dictionary as well, because the CDK writes the config into a JSON file.
    """

    def __init__(self, max_requests_per_minute: int = DEFAULT_REQUESTS_PER_MINUTE) -> None:
        super().__init__()
        self.responses = ResponseCache()
        self.circuit_breaker = CircuitBreaker()
        self.listed_accounts: dict[str, str | None] | None = None  # id → username, once a list was read to its end
        self.progress = ReadProgress(max_requests_per_minute)
        self.plans: dict[str, StreamPlan] = {}  # by name of stream
        self.part = ReadPart()
        self._budget: AbstractAPIBudget | None = None
        self._logged: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    @staticmethod
    def of(config: Config) -> "SyncContext":
        """Return the context of the sync that a config belongs to."""
        context = config[SYNC_CONTEXT_KEY]
        assert isinstance(context, SyncContext)
        return context

    def shared_budget(self, budget: AbstractAPIBudget) -> AbstractAPIBudget:
        """Return the first budget of this sync; the CDK makes another one for each part, which would start afresh."""
        with self._lock:
            self._budget = budget if self._budget is None else self._budget
            return self._budget

    def is_first(self, *warning: str) -> bool:
        """Return whether a warning was not logged yet in this sync, and remember it."""
        with self._lock:
            count = len(self._logged)
            self._logged.add(warning)
            return len(self._logged) > count


@dataclass
class AddSyncContext(ConfigTransformation):
    """Give a config the context of a new sync, so that two syncs in one process share nothing."""

    def transform(self, config: MutableMapping[str, Any]) -> None:
        limit = config.get("max_requests_per_minute", DEFAULT_REQUESTS_PER_MINUTE)
        config[SYNC_CONTEXT_KEY] = SyncContext(limit)
