"""A database that tests write run by run, without a connector."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oneup_pinterest.sync.merging import MergeResult
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.stream_schemas import SCHEMAS

PERIOD = {"social_network_id": "pin_a", "period_start": "2026-05-01", "period_end": "2026-05-07"}
PIN = {"social_network_id": "pin_a", "id": "1", "snapshot_date": "2026-05-20"}
Rows = Sequence[Mapping[str, Any]]


class SyncedFile:
    """A database file that each run writes to, as a sync does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, stream: str, *batches: Rows) -> list[MergeResult]:
        """Write batches and commit them together, as one sync does."""
        with DatabaseWriter(self.path) as writer:
            writer.prepare({stream: SCHEMAS[stream]})
            written = [writer.write(stream, batch) for batch in batches]
            writer.commit()
        return [MergeResult(batch.new_rows, batch.kept, batch.only_zeros) for batch in written]

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query of the file."""
        with DatabaseWriter(self.path) as writer:
            return writer._connection.execute(query).fetchall()
