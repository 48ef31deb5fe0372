"""Read the accounts, and the windows of the other streams."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from airbyte_cdk.sources.declarative.incremental.concurrent_partition_cursor import ConcurrentPerPartitionCursor
from airbyte_cdk.sources.declarative.retrievers import SimpleRetriever
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.types import Record, StreamSlice

from .cursor import AccountsCursor
from .errors import config_error
from .extractors import AccountsExtractor
from .log import LOGGER
from .shard import empty_shard, shard_of
from .sync_context import SyncContext
from .windows import Window

MAX_NAMES_LISTED = 100  # accounts in one message


@dataclass
class AccountsRetriever(SimpleRetriever):
    """Read the accounts that the config names, or the list of OneUp if it names none; with a shard, only its own."""

    def read_records(self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None) -> Iterable[Any]:
        shard, own, other = shard_of(self.config), 0, 0
        rows = self._configured if self.config.get("social_network_ids") else self._listed
        for record in rows(records_schema, stream_slice):
            if shard and not shard.holds(record["social_network_id"]):
                other += 1
                continue
            own += 1
            yield record
        if shard and other and not own and SyncContext.of(self.config).is_first("empty shard"):
            LOGGER.warning(empty_shard(shard))

    def _listed(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None
    ) -> Iterator[Mapping[str, Any]]:
        listed: dict[str, str | None] = {}  # of all shards, because what another shard reads is not missing
        for record in super().read_records(records_schema, stream_slice):
            assert isinstance(record, Mapping)
            listed[record["social_network_id"]] = record["username"]
            yield record
        if not listed:
            self._handle_empty_list()
        SyncContext.of(self.config).listed_accounts = listed

    def _configured(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None
    ) -> Iterator[Mapping[str, Any]]:
        for account in dict.fromkeys(self.config["social_network_ids"]):
            row = dict.fromkeys(AccountsExtractor.FIELDS) | {"social_network_id": account}
            yield Record(row, self.name, stream_slice or StreamSlice(partition={}, cursor_slice={}))

    def _handle_empty_list(self) -> None:
        """Fail, unless accounts were read before: then their history is kept and the sync goes on."""
        known = self.config.get("_known_accounts")
        if not known:
            raise config_error("This key has no Pinterest account in OneUp: connect one there, then try again.")
        if SyncContext.of(self.config).is_first("no account"):
            LOGGER.warning(
                "OneUp lists no Pinterest account for this key any more, so that nothing new was read. Read before: "
                + ", ".join(known[:MAX_NAMES_LISTED])
                + (f" and {len(known) - MAX_NAMES_LISTED:,} more" if len(known) > MAX_NAMES_LISTED else "")
                + ". Connect them again in OneUp, then sync again."
            )


@dataclass
class WindowRetriever(SimpleRetriever):
    """Read the window of a slice and stamp its rows.

    `windows`: `period` (as long as the preset, up to the end of each week and to yesterday), `newest` (only the period
    up to yesterday) or `published` (by publish date, with the lookback). `stamp`: the fields that rows are given.
    """

    cursor: Cursor = field(kw_only=True)
    windows: str = field(kw_only=True)
    stamp: list[str] = field(kw_only=True)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        # The CDK has had no custom cursors since 7.0, so this stream's cursor becomes one of ours. If a later CDK
        # builds another kind of cursor or hands out a copy, this raises or test_retrievers.py fails.
        if type(self.cursor) is not ConcurrentPerPartitionCursor:
            raise TypeError(f"expected the CDK's cursor per partition, not {type(self.cursor).__name__}")
        self.cursor.__class__ = AccountsCursor
        cast(AccountsCursor, self.cursor).begin(self.config, self.windows)

    def read_records(self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None) -> Iterable[Any]:
        assert stream_slice is not None  # every stream of this retriever has accounts as partitions
        window: Window = stream_slice.extra_fields["window"]
        values = {
            "social_network_id": stream_slice.partition["social_network_id"],
            "preset": stream_slice.extra_fields["preset"],
            "period_start": window.start.isoformat(),
            "period_end": window.end.isoformat(),
            "snapshot_date": self.config["_today"],
        }
        stamp = {name: values[name] for name in self.stamp}
        try:
            # there is one page, so the CDK's loop over pages would only cost time per record
            response = self.requester.send_request(stream_slice=stream_slice)
            assert response is not None  # OneUpErrorHandler ignores no response
            for record in self.record_selector.select_records(response, {}, {}, stream_slice):
                assert isinstance(record.data, dict)  # each extractor yields its own dictionaries
                record.data.update(stamp)
                yield record
        finally:  # a window that cannot be read is closed too
            is_newest = stream_slice.extra_fields["is_newest"]
            SyncContext.of(self.config).progress.close(values["social_network_id"], is_newest)
