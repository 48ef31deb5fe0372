"""A shard holds the accounts that its hash of their ids gives it, in every process and Python version."""

from collections import Counter
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.test.models import ExpectedOutcome
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest import SourceOneupPinterest
from source_oneup_pinterest.components.shard import Shard
from unit_tests.connector.mock_api import KEY, WireMocker, accounts_request, posts, response, window_request
from unit_tests.connector.streams import PINS, SINCE_CURSOR, Read, cursors, errors, rows, state_of

# `printf %s pin_abc | sha256sum` begins with 43dbf60378deaf3a: its last digit a is 10, so it is the 11th of 16 shards
KNOWN = {
    "pin_abc": (0x43DBF60378DEAF3A, "11/16", "3/4"),
    "pin_a": (0x759E363BED80840D, "14/16", "2/4"),
    "pin_café🌷": (0x212DE5D034A03E72, "3/16", "3/4"),
    "1000": (0x40510175845988F1, "2/16", "2/4"),
}
IDS = [f"pin_{number}" for number in range(10_000)]
LISTED = [
    {"username": name, "social_account_id": account, "social_network_type": "pinterest"}
    for account, name in (("pin_a", "a"), ("pin_abc", "abc"), ("1000", "thousand"))
]


def shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(1, count + 1)]


@pytest.mark.parametrize("account", KNOWN)
@pytest.mark.parametrize("count", [1, 4, 7, 16])
def test_shard_of_an_account_follows_from_its_sha256(account: str, count: int) -> None:
    first_bytes, of_16, of_4 = KNOWN[account]

    (held,) = [shard for shard in shards(count) if shard.holds(account)]

    assert held == Shard(first_bytes % count + 1, count)
    assert str(held) == {16: of_16, 4: of_4}.get(count, str(held))


@pytest.mark.parametrize("count", [1, 2, 3, 16])
def test_every_account_is_in_one_shard_and_shards_are_balanced(count: int) -> None:
    held = Counter(shard for account in IDS for shard in shards(count) if shard.holds(account))

    assert sum(held.values()) == len(IDS)
    assert len(held) == count
    assert max(held.values()) < 1.2 * len(IDS) / count
    assert min(held.values()) > 0.8 * len(IDS) / count


def test_id_with_a_lone_surrogate_has_a_shard() -> None:
    assert sum(shard.holds("pin_\ud800") for shard in shards(4)) == 1


@pytest.mark.parametrize("written", ["0/16", "17/16", "a/b", "3", "3/", "1/0", "-1/4", "1/4/8", 3, ["3/16"], True])
def test_invalid_shard_is_rejected_in_one_sentence(written: Any) -> None:
    with pytest.raises(AirbyteTracedException) as caught:
        SourceOneupPinterest(config={"api_key": KEY, "shard": written})

    assert caught.value.failure_type == FailureType.config_error
    assert caught.value.message
    assert caught.value.message.startswith("`shard` is `")
    assert caught.value.message.endswith(
        "`: it must be two whole numbers such as 3/16, the third of 16 shards, and the first from 1 to the second."
    )


def test_misspelled_shard_is_rejected() -> None:
    with pytest.raises(AirbyteTracedException, match="did you mean `shard`"):
        SourceOneupPinterest(config={"api_key": KEY, "shards": "3/16"})


def test_listed_accounts_of_other_shards_are_not_read(read: Read, wire: WireMocker) -> None:
    wire.get(accounts_request(), response({"message": "OK", "error": False, "data": LISTED}))

    output = read("accounts", config={"social_network_ids": [], "shard": "2/4"})

    assert [row["username"] for row in rows(output, "accounts")] == ["a", "thousand"]


def test_configured_accounts_of_other_shards_are_not_read(read: Read, wire: WireMocker) -> None:
    output = read("accounts", config={"social_network_ids": ["pin_a", "pin_abc", "1000"], "shard": "3/4"})

    assert [row["social_network_id"] for row in rows(output, "accounts")] == ["pin_abc"]


def test_state_of_other_shards_stays_as_it_was(read: Read, wire: WireMocker) -> None:
    wire.get(window_request("posts", "pin_abc", SINCE_CURSOR), response(posts()))
    config = {"social_network_ids": ["pin_a", "pin_abc"], "shard": "3/4"}

    output = read("pins", config=config, state=state_of(PINS, "pin_a", "pin_abc"))

    assert {row["social_network_id"] for row in rows(output, "pins")} == {"pin_abc"}
    assert cursors(output, "pins") == {"pin_a": {"timestamp": "2026-05-12 00:00:00"}, "pin_abc": PINS.cursor}


def test_shard_without_an_account_reads_nothing_and_says_so_once(read: Read, wire: WireMocker) -> None:
    output = read("pins", "accounts", config={"shard": "1/4"})

    assert rows(output, "pins") == rows(output, "accounts") == []
    said = [message.log.message for message in output.logs if message.log and "shard 1/4" in message.log.message]
    assert said == [
        "No account is in shard 1/4, so there is nothing to read. Fewer shards would have more accounts each."
    ]


def test_key_without_accounts_is_a_config_error_in_a_shard_too(read: Read, wire: WireMocker) -> None:
    wire.get(accounts_request(), response({"message": "OK", "error": False, "data": []}))

    output = read(
        "accounts", config={"social_network_ids": [], "shard": "1/4"}, outcome=ExpectedOutcome.EXPECT_EXCEPTION
    )

    assert "This key has no Pinterest account in OneUp: connect one there, then try again." in errors(output)
