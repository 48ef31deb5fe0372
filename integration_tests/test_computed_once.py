"""What tests share within a process does not change what they test."""

import logging
from datetime import timedelta

import pytest
import requests
from jsonschema.exceptions import ValidationError

from oneup_pinterest.sandbox import Sandbox
from source_oneup_pinterest import SourceOneupPinterest
from test_support.clock import NOON

CONFIG = {"api_key": "any"}


def responses(sandbox: Sandbox) -> list[str]:
    return [
        requests.get(
            f"{sandbox.url}/api/pinterest/{endpoint}",
            {"apiKey": sandbox.api_key, "social_network_id": account, "preset": "last_30_days"},
            timeout=60,
        ).text
        for endpoint in ("overview", "posts")
        for account in sandbox.account_ids
    ]


def test_a_sandbox_responds_as_one_before_it_with_the_same_seed() -> None:
    with Sandbox(accounts=1, now=NOON, seed=4711) as first:
        before = responses(first)
        first.rename_account(first.account_ids[0], "pin_renamed")
        first.now += timedelta(days=1)
        assert responses(first) != before
    with Sandbox(accounts=1, now=NOON, seed=4711) as again:
        assert responses(again) == before


def test_each_source_has_a_manifest_of_its_own_that_is_validated() -> None:
    first = SourceOneupPinterest(config=CONFIG)
    catalog = first.discover(logging.getLogger("airbyte"), CONFIG)
    first.resolved_manifest["streams"].clear()  # type: ignore[attr-defined]

    assert SourceOneupPinterest(config=CONFIG).discover(logging.getLogger("airbyte"), CONFIG) == catalog

    class Invalid(SourceOneupPinterest):
        def _read_and_parse_yaml_file(self, path_to_yaml_file: str) -> dict[str, object]:
            return {**super()._read_and_parse_yaml_file(path_to_yaml_file), "check": {"type": "Nothing"}}

    for _ in range(2):
        with pytest.raises(ValidationError):
            Invalid(config=CONFIG)
