"""The components that manifest.yaml names, one module per role."""

from .config import NormalizeConfig
from .config_dates import ResolveConfigDates
from .error_handler import OneUpErrorHandler, RetryAfterBackoffStrategy
from .extractors import (
    AccountsExtractor,
    FollowersExtractor,
    MetricsExtractor,
    PinsExtractor,
    RankedPostsExtractor,
)
from .requester import OneUpRequester
from .retrievers import AccountsRetriever, WindowRetriever
from .state import PerAccountStateMigration
from .sync_context import AddSyncContext

__all__ = [
    "AccountsExtractor",
    "AccountsRetriever",
    "AddSyncContext",
    "FollowersExtractor",
    "MetricsExtractor",
    "NormalizeConfig",
    "OneUpErrorHandler",
    "OneUpRequester",
    "PerAccountStateMigration",
    "PinsExtractor",
    "RankedPostsExtractor",
    "ResolveConfigDates",
    "RetryAfterBackoffStrategy",
    "WindowRetriever",
]
