"""An Airbyte source for OneUp's Pinterest analytics."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_oneup_pinterest.source import SourceOneupPinterest

__all__ = ["SourceOneupPinterest"]


def __getattr__(name: str) -> Any:
    if name == "SourceOneupPinterest":  # imported on first use, so that `run` can prepare the process before
        from source_oneup_pinterest.source import SourceOneupPinterest

        return SourceOneupPinterest
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
