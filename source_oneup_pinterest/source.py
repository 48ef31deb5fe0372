"""The connector as Airbyte runs it: the manifest, with inputs validated early and a check of every account."""

import logging
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

from airbyte_cdk.models import (
    AirbyteAnalyticsTraceMessage,
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessage,
    AirbyteTraceMessage,
    ConfiguredAirbyteCatalog,
    FailureType,
    Status,
    TraceType,
    Type,
)
from airbyte_cdk.sources.concurrent_source.thread_pool_manager import ThreadPoolManager
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.types import ConnectionDefinition
from airbyte_cdk.utils.datetime_helpers import ab_datetime_now
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest import inputs
from source_oneup_pinterest.components.config import require_listed_values
from source_oneup_pinterest.components.errors import traced
from source_oneup_pinterest.components.progress import ProgressSnapshot as ProgressSnapshot
from source_oneup_pinterest.components.shard import empty_shard, shard_of
from source_oneup_pinterest.components.sync_context import AddSyncContext, SyncContext
from source_oneup_pinterest.parts import NEWEST_WINDOWS, StreamStatuses, history_parts

REQUESTS_SENT = "oneup-pinterest-requests"  # the analytics message with the number of requests of a read


class SourceOneupPinterest(YamlDeclarativeSource):
    """Read the Pinterest analytics of OneUp accounts."""

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None = None,
        config: Mapping[str, Any] | None = None,
        state: list[AirbyteStateMessage] | None = None,
    ) -> None:
        self._has_config = config is not None
        # id → username as OneUp listed them in the last read; None if that read did not get the list
        self.listed_accounts: dict[str, str | None] | None = None
        self._known_accounts = inputs.accounts_of(state or ())
        inputs.require_state_by_stream(state or ())
        super().__init__(path_to_yaml="manifest.yaml", catalog=catalog, config=config, state=state)

    def _migrate_and_transform_config(
        self, config_path: str | None, config: Mapping[str, Any] | None
    ) -> Mapping[str, Any] | None:
        if not self._has_config:
            return None
        assert self._spec_component is not None
        normalized = dict(config or {})  # an empty one too, which the CDK would skip
        self._spec_component.transform_config(normalized)
        require_listed_values(normalized, self._spec_component.connection_specification["properties"])
        return {**normalized, "_known_accounts": self._known_accounts}

    def _read_and_parse_yaml_file(self, path_to_yaml_file: str) -> ConnectionDefinition:
        # the CDK would prefer a file of that name in the working directory, and read it in the locale's encoding
        return self._parse(Path(__file__).with_name(path_to_yaml_file).read_text(encoding="utf-8"))

    @property
    def api_key(self) -> str:
        """Return the key as it is sent, without quotes and spaces around it."""
        return str(self._config["api_key"])

    @property
    def progress(self) -> ProgressSnapshot:
        """Return how far the read is; any thread may ask at any time."""
        return SyncContext.of(self._config).progress.snapshot()

    def know_accounts(self, names: Sequence[str]) -> None:
        """Set which accounts this key listed before, if the caller knows more than the state."""
        self._config = {**self._config, "_known_accounts": list(names)}

    @property
    def configured_accounts(self) -> list[str] | None:
        """Return the accounts that the config names, without those of other shards; None if it names none."""
        configured = self._config.get("social_network_ids")
        return [account for account in configured if self.reads(account)] if configured else None

    @property
    def shard(self) -> str | None:
        """Return the config's shard, such as 3/16; None if it has none."""
        shard = shard_of(self._config)
        return str(shard) if shard else None

    def reads(self, account: str) -> bool:
        """Return whether an account belongs to the config's shard; every account does if it has none."""
        shard = shard_of(self._config)
        return shard is None or shard.holds(account)

    @staticmethod
    def read_config(config_path: str) -> MutableMapping[str, Any]:
        return inputs.config_of(config_path)

    @classmethod
    def read_catalog(cls, catalog_path: str) -> ConfiguredAirbyteCatalog:
        return inputs.catalog_of(catalog_path)

    @classmethod
    def read_state(cls, state_path: str) -> list[AirbyteStateMessage]:
        return inputs.state_of(state_path) if state_path else []

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        return self._config or config  # the CDK would write the key into a temporary file

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        return super().discover(logger, config) if self._config else self._with(config).discover(logger, config)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        if not self._config:
            yield from self._with(config, catalog, state).read(logger, config, catalog, state)
            return
        inputs.require_streams(catalog, [stream["name"] for stream in self._stream_configs(self._source_config)])
        context = self._begin_sync()
        context.progress.expect(len(self._windowed_streams(catalog)))
        failures: dict[tuple[str, str], FailureType] = {}
        try:
            for message in self._read_in_parts(context, logger, catalog):
                failure = _failure_of(message) if message.trace else None
                if failure is None:
                    yield message
                elif failure[:2] not in failures:  # an account fails once per window
                    failures[failure[:2]] = failure[2]
                    yield message
        except AirbyteTracedException as error:
            yield _requests_sent(context.progress.snapshot().requests)
            if not failures:
                raise
            raise _summary_of(failures) from error
        finally:
            self.listed_accounts = context.listed_accounts
        yield _requests_sent(context.progress.snapshot().requests)

    def _windowed_streams(self, catalog: ConfiguredAirbyteCatalog) -> list[str]:
        windowed = {each["name"] for each in self._stream_configs(self._source_config) if "incremental_sync" in each}
        return [stream.stream.name for stream in catalog.streams if stream.stream.name in windowed]

    def _read_in_parts(
        self, context: SyncContext, logger: logging.Logger, catalog: ConfiguredAirbyteCatalog
    ) -> Iterator[AirbyteMessage]:
        """Yield the messages of each part; the CDK would read all windows of a stream before those of another one."""
        statuses = StreamStatuses()
        read_history: set[str] = set()  # the accounts of all parts so far
        failure: AirbyteTracedException | None = None
        # the history is planned while the newest windows are read, so the chain must ask for it afterwards
        for part in chain([NEWEST_WINDOWS], history_parts(context.plans)):
            context.part = part
            read_history |= part.history or set()
            names = [each.stream.name for each in catalog.streams]
            if not part.newest:
                names = [name for name, plan in context.plans.items() if plan.history.keys() & (part.history or ())]
                self._renew_threads()
                context.responses.clear()  # no later part has the same windows, and so memory and disk stay bounded
            streams = [each for each in catalog.streams if each.stream.name in names]
            try:
                for message in super().read(logger, self._config, ConfiguredAirbyteCatalog(streams=streams)):
                    if statuses.is_due(message, context.plans, read_history):
                        yield message
            except AirbyteTracedException as error:
                failure = failure or error  # the other accounts go on
            finally:  # otherwise the CDK's threads go on with requests after an interrupt, and wait after a failure
                self._concurrent_source._threadpool._threadpool.shutdown(wait=False, cancel_futures=True)
        if failure:
            raise failure

    def _renew_threads(self) -> None:
        """Give the CDK's source new threads, because it ends them with each read (test_parts.py reads in parts)."""
        workers = ThreadPoolExecutor(self._config.get("num_workers", 4), thread_name_prefix="workerpool")
        self._concurrent_source._threadpool = ThreadPoolManager(workers, self.logger)

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """Try every account once, and name those that cannot be read."""
        if not self._config:
            return self._with(config).check(logger, config)
        self._begin_sync()
        followers = next(stream for stream in self.streams(self._config) if stream.name == "account_followers")
        try:
            partitions = list(followers.generate_partitions())
        except AirbyteTracedException as error:
            return _failed(error.message or "")
        with ThreadPoolExecutor(self._config.get("num_workers", 4)) as workers:
            problems = [problem for problem in workers.map(_problem_of, partitions) if problem]
        if problems:
            return _failed(f"{len(problems)} of {len(partitions)} accounts failed. " + " ".join(problems))
        if not partitions and (shard := shard_of(self._config)):
            return AirbyteConnectionStatus(status=Status.SUCCEEDED, message=empty_shard(shard))
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def _begin_sync(self) -> SyncContext:
        config = dict(self._config)
        AddSyncContext().transform(config)
        self._config = config  # the CDK builds the streams of each read and check from this config
        return SyncContext.of(config)

    def _with(
        self,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog | None = None,
        state: list[AirbyteStateMessage] | None = None,
    ) -> "SourceOneupPinterest":
        # Airbyte's standard tests build a source without a config and hand it over with each call
        return type(self)(catalog=catalog, config=config, state=state)


def _failure_of(message: AirbyteMessage) -> tuple[str, str, FailureType] | None:
    error = message.trace.error if message.trace else None
    if error is None:
        return None
    stream = error.stream_descriptor.name if error.stream_descriptor else ""
    return stream, error.message, error.failure_type or FailureType.system_error


def _summary_of(failures: Mapping[tuple[str, str], FailureType]) -> AirbyteTracedException:
    failure_types = set(failures.values())
    streams = ", ".join(sorted({stream for stream, _ in failures}))
    reasons = " ".join(dict.fromkeys(message for _, message in failures))
    # if one failure is temporary, the platform should try again
    order = (FailureType.transient_error, FailureType.system_error, FailureType.config_error)
    return traced(f"Not read completely: {streams}. {reasons}", next(each for each in order if each in failure_types))


def _problem_of(partition: Partition) -> str | None:
    try:
        next(iter(partition.read()), None)
    except AirbyteTracedException as error:
        return error.message
    return None


def _failed(message: str) -> AirbyteConnectionStatus:
    return AirbyteConnectionStatus(status=Status.FAILED, message=message)


def _requests_sent(count: int) -> AirbyteMessage:
    return AirbyteMessage(
        type=Type.TRACE,
        trace=AirbyteTraceMessage(
            type=TraceType.ANALYTICS,
            emitted_at=ab_datetime_now().timestamp() * 1000,
            analytics=AirbyteAnalyticsTraceMessage(type=REQUESTS_SENT, value=str(count)),
        ),
    )
