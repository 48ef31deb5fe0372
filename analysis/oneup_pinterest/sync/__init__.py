"""Sync of the connector's records and state into one DuckDB file."""

from oneup_pinterest.sync.run import SyncResult, sync

__all__ = ["SyncResult", "sync"]
