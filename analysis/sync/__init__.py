"""Sync of the connector's records and state into one DuckDB file."""

from analysis.sync.run import SyncResult, sync

__all__ = ["SyncResult", "sync"]
