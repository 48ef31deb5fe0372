"""Sync the connector's records and state into one DuckDB file."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oneup_pinterest.sync.run import SyncResult, sync

__all__ = ["SyncResult", "sync"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are used: the command line needs `sync.signals` before DuckDB is loaded."""
    if name in __all__:
        from oneup_pinterest.sync import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
