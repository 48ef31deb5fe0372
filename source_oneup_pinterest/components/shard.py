"""The shard of a config: the accounts of one of several workers."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import config_error, quoted


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of the accounts of a key; `number` counts from 1.

    An account's shard follows from its id alone, so workers agree without talking to each other.
    """

    number: int
    count: int

    def holds(self, account: str) -> bool:
        """Return whether an account belongs to this shard.

        >>> [number for number in range(1, 5) if Shard(number, 4).holds("pin_abc")]
        [3]
        """
        # Python's own hash differs from process to process
        digest = hashlib.sha256(account.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def shard_of(config: Mapping[str, Any]) -> Shard | None:
    """Return the shard of a config; None if it reads every account.

    >>> print(shard_of({"shard": "3/16"}), shard_of({}))
    3/16 None
    """
    written = config.get("shard")
    if written is None:
        return None
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", written) if isinstance(written, str) else None
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count:
        raise config_error(
            f"`shard` is {quoted(written)}: it must be two whole numbers such as 3/16, the third of 16 shards, and the "
            "first from 1 to the second."
        )
    return Shard(number, count)


def empty_shard(shard: Shard) -> str:
    """Return what is said of a shard without an account."""
    return f"No account is in shard {shard}, so there is nothing to read. Fewer shards would have more accounts each."
