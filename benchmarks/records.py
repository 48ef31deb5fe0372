"""The cost of the CDK's threads and messages for prepared records, without code of this project.

python -m benchmarks.records [--pins 66698] [--accounts 20] prints processor and wall seconds as JSON.
"""

import argparse
import json
import logging
import time
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.streams.concurrent.cursor import FinalStateCursor
from airbyte_cdk.sources.streams.concurrent.default_stream import DefaultStream
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.streams.concurrent.partitions.partition_generator import PartitionGenerator
from airbyte_cdk.sources.types import Record
from airbyte_cdk.sources.utils.slice_logger import DebugSliceLogger

from benchmarks.server import posts

LOGGER = logging.getLogger("airbyte.benchmark")


class AccountPartition(Partition):
    """A partition with the prepared pins of one account."""

    def __init__(self, pins: list[dict[str, Any]]) -> None:
        self._pins = pins

    def read(self) -> Iterable[Record]:
        return (Record(pin, "pins") for pin in self._pins)

    def to_slice(self) -> Mapping[str, Any]:
        return {}

    def stream_name(self) -> str:
        return "pins"

    def __hash__(self) -> int:
        return id(self)


class Accounts(PartitionGenerator):
    """Generates one partition per account."""

    def __init__(self, pins: int, accounts: int) -> None:
        bounds = [pins * n // accounts for n in range(accounts + 1)]
        self._partitions = [AccountPartition(posts(first, end)["data"]["posts"]) for first, end in pairwise(bounds)]

    def generate(self) -> Iterable[Partition]:
        return self._partitions


def main() -> None:
    """Pass all pins through the CDK and drop them; print processor and wall seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pins", type=int, default=66_698)
    parser.add_argument("--accounts", type=int, default=20)
    options = parser.parse_args()
    repository = InMemoryMessageRepository()
    cursor = FinalStateCursor("pins", None, repository)
    stream = DefaultStream(Accounts(options.pins, options.accounts), "pins", {}, ["id"], None, LOGGER, cursor)
    source = ConcurrentSource.create(4, 1, LOGGER, DebugSliceLogger(), repository)
    processor, wall = time.process_time(), time.perf_counter()
    received = sum(message.record is not None for message in source.read([stream]))
    print(json.dumps([time.process_time() - processor, time.perf_counter() - wall]))
    assert received == options.pins, f"{received} of {options.pins} records were received"


if __name__ == "__main__":
    main()
