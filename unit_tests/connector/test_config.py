"""Configs written by forms, Terraform and people are normalized; an invalid one gives a one-sentence error."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest import SourceOneupPinterest
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE

OPTIONAL = (
    "social_network_ids",
    "shard",
    "start_date",
    "preset",
    "timezone",
    "pins_lookback_days",
    "num_workers",
    "max_requests_per_minute",
    "analytics_url",
    "accounts_url",
)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, datetime(2026, 5, 20, 12, tzinfo=UTC).isoformat())


def normalized(**config: Any) -> dict[str, Any]:
    return dict(SourceOneupPinterest(config={"api_key": "sandbox-key", **config})._config)


def error_message(config: dict[str, Any]) -> str:
    with pytest.raises(AirbyteTracedException) as caught:
        SourceOneupPinterest(config=config)
    assert caught.value.failure_type == FailureType.config_error
    assert caught.value.message is not None
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("blank", [None, "", " \n", "\u200b"])
@pytest.mark.parametrize("key", OPTIONAL)
def test_null_or_blank_optional_key_counts_as_absent(key: str, blank: str | None) -> None:
    assert normalized(**{key: blank}) == normalized()


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("social_network_ids", "pin_abc", ["pin_abc"]),
        ("social_network_ids", "\u00a0pin_abc\n", ["pin_abc"]),
        ("social_network_ids", ["pin_a\n", " pin_b", 1000], ["pin_a", "pin_b", "1000"]),
        ("social_network_ids", ['q"uote', "a/b c", "{{ 1 }}"], ['q"uote', "a/b c", "{{ 1 }}"]),
        ("social_network_ids", 1000, ["1000"]),
        ("shard", " 3/16\n", "3/16"),
        ("pins_lookback_days", "90", 90),
        ("pins_lookback_days", " 90\n", 90),
        ("num_workers", 4.0, 4),
        ("max_requests_per_minute", "120", 120),
        ("timezone", " Europe/Berlin\u00a0\n", "Europe/Berlin"),
        ("preset", "last_7_days\n", "last_7_days"),
    ],
)
def test_unambiguous_value_is_converted(key: str, written: object, value: object) -> None:
    assert normalized(**{key: written})[key] == value


@pytest.mark.parametrize(
    ("key", "written", "sentence"),
    [
        ("social_network_ids", True, '`social_network_ids` must be a list such as ["pin_abc"].'),
        ("social_network_ids", {"a": 1}, '`social_network_ids` must be a list such as ["pin_abc"].'),
        ("social_network_ids", 1.5, '`social_network_ids` must be a list such as ["pin_abc"].'),
        (
            "social_network_ids",
            "pin_a, pin_b",
            '`social_network_ids` must be a list such as ["pin_abc"], not one string: write ["pin_a", "pin_b"].',
        ),
        (
            "social_network_ids",
            '["pin_a"]',
            '`social_network_ids` must be a list such as ["pin_abc"], not one string: write ["pin_a"].',
        ),
        (
            "social_network_ids",
            ["pin_a", None],
            '`social_network_ids` must have strings such as "pin_abc"; entry 2 is null.',
        ),
        (
            "social_network_ids",
            [["pin_a"]],
            '`social_network_ids` must have strings such as "pin_abc"; entry 1 is a list.',
        ),
        (
            "social_network_ids",
            [""],
            "`social_network_ids` has an empty entry 1: remove it, or the whole list to read every account.",
        ),
        (
            "pins_lookback_days",
            "90 days",
            "`pins_lookback_days` is `90 days`: it must be a whole number from 1 to 3650, such as 90.",
        ),
        ("pins_lookback_days", 0, "`pins_lookback_days` is `0`: it must be a whole number from 1 to 3650, such as 90."),
        ("num_workers", "four", "`num_workers` is `four`: it must be a whole number from 2 to 16, such as 4."),
        ("num_workers", True, "`num_workers` is `true`: it must be a whole number from 2 to 16, such as 4."),
        ("num_workers", 2.5, "`num_workers` is `2.5`: it must be a whole number from 2 to 16, such as 4."),
        (
            "num_workers",
            "9" * 5000,
            f"`num_workers` is `{'9' * 57}...`: it must be a whole number from 2 to 16, such as 4.",
        ),
        (
            "max_requests_per_minute",
            [1],
            "`max_requests_per_minute` is `[1]`: it must be a whole number, 1 or more, such as 120.",
        ),
        ("preset", "last_2_days", "`preset` is `last_2_days`: it must be last_7_days, last_30_days or last_90_days."),
        ("preset", 7, "`preset` is `7`: it must be last_7_days, last_30_days or last_90_days."),
        (
            "start_date",
            "0001-01-01",
            "`start_date` is 0001-01-01, which is before Pinterest began: use 2010-01-01 or later.",
        ),
        (
            "start_date",
            "9999-12-31",
            "`start_date` is 9999-12-31, which is in the future (today is 2026-05-20): use an earlier day.",
        ),
        (
            "start_date",
            "9999",
            "`start_date` is `9999`, which is not a date: write it as YYYY-MM-DD, such as 2026-01-01.",
        ),
        (
            "start_date",
            9999,
            "`start_date` is `9999`, which is not a date: write it as YYYY-MM-DD, such as 2026-01-01.",
        ),
        (
            "start_date",
            "2026-5-1",
            "`start_date` is `2026-5-1`, which is not a date: write it as YYYY-MM-DD, such as 2026-01-01.",
        ),
        ("timezone", 2, '`timezone` must be text such as "America/New_York".'),
        (
            "timezone",
            "europe/berlin",
            "`timezone` is `europe/berlin`, which is not an IANA time zone: did you mean `Europe/Berlin`.",
        ),
        (
            "timezone",
            "new york",
            "`timezone` is `new york`, which is not an IANA time zone: did you mean `America/New_York`.",
        ),
        (
            "timezone",
            "Europe/Berlim",
            "`timezone` is `Europe/Berlim`, which is not an IANA time zone: did you mean `Europe/Berlin`.",
        ),
        (
            "timezone",
            "São Paulo",
            "`timezone` is `São Paulo`, which is not an IANA time zone: did you mean `America/Sao_Paulo`.",
        ),
        (
            "timezone",
            "GMT+2",
            "`timezone` is `GMT+2`, which is not an IANA time zone: use the zone of a city, or `Etc/GMT-2` for this "
            "offset alone (its sign is reversed by convention).",
        ),
        (
            "timezone",
            "UTC-05:00",
            "`timezone` is `UTC-05:00`, which is not an IANA time zone: use the zone of a city, or `Etc/GMT+5` for "
            "this offset alone (its sign is reversed by convention).",
        ),
        (
            "timezone",
            "+05:30",
            "`timezone` is `+05:30`, which is not an IANA time zone: use the zone of a city, such as `Asia/Kolkata`, "
            "because no zone has this offset alone.",
        ),
        (
            "timezone",
            "Moon/Base",
            "`timezone` is `Moon/Base`, which is not an IANA time zone: use one like `UTC` or `America/New_York`.",
        ),
        (
            "start_dat",
            "2026-01-01",
            "The config has a key `start_dat`, which does not exist: did you mean `start_date`?",
        ),
        ("apikey", "x", "The config has a key `apikey`, which does not exist: did you mean `api_key`?"),
        ("apiKey", "x", "The config has a key `apiKey`, which does not exist: did you mean `api_key`?"),
        (
            "social_network_id",
            "pin_a",
            "The config has a key `social_network_id`, which does not exist: did you mean `social_network_ids`?",
        ),
        (
            "lookback_days",
            9,
            "The config has a key `lookback_days`, which does not exist: did you mean `pins_lookback_days`?",
        ),
    ],
)
def test_error_for_an_invalid_value_says_what_to_write(key: str, written: object, sentence: str) -> None:
    assert error_message({"api_key": "sandbox-key", key: written}) == sentence


AROUND = [
    " {} ",
    "{}\n",
    "\u00a0{}",
    "\u200b{}\u200b",
    "\ufeff{}",
    "{}\u00ad",
    "“{}”",
    "'{}'",
    '"{}"',
    "Bearer {}",
    "bearer\t{}",
    "“Bearer {}”\r\n",
]


@pytest.mark.parametrize("around", AROUND)
def test_quotes_and_spaces_around_the_key_are_trimmed(around: str) -> None:
    assert normalized(api_key=around.format("k/e+y=1 ü&x"))["api_key"] == "k/e+y=1 ü&x"


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (
            "abc\u200bdefgh",
            "`api_key` has a zero width space (U+200B) inside, as character 4: copy the key again from "
            "https://www.oneupapp.io/api-access.",
        ),
        (
            "abc\u00addefgh",
            "`api_key` has a soft hyphen (U+00AD) inside, as character 4: copy the key again from "
            "https://www.oneupapp.io/api-access.",
        ),
        (
            "abc\ndefgh",
            "`api_key` has a line break (U+000A) inside, as character 4: copy the key again from "
            "https://www.oneupapp.io/api-access.",
        ),
        (
            "ab”cdefgh",
            "`api_key` has a right double quotation mark (U+201D) inside, as character 3: copy the key again "
            "from https://www.oneupapp.io/api-access.",
        ),
        ("", "`api_key` is blank: copy the key from https://www.oneupapp.io/api-access."),
        (" \n\u200b", "`api_key` is blank: copy the key from https://www.oneupapp.io/api-access."),
        ("Bearer ", "`api_key` is blank: copy the key from https://www.oneupapp.io/api-access."),
        (7, '`api_key` must be text in quotation marks, such as "a1b2c3".'),
        (
            None,
            "The config has no `api_key`: Your OneUp API key, which you create and copy at "
            "https://www.oneupapp.io/api-access (analytics is not part of OneUp's lowest plan).",
        ),
    ],
)
def test_invalid_key_is_rejected_and_not_quoted(key: object, sentence: str) -> None:
    assert error_message({"api_key": key}) == sentence


def test_empty_config_is_rejected_for_its_missing_key() -> None:
    assert error_message({}).startswith("The config has no `api_key`: ")


def test_unknown_keys_give_one_warning_and_platform_keys_none(caplog: pytest.LogCaptureFixture) -> None:
    platforms = {"__injected_x": {}, "__test_read_config": {}, "__should_normalize": True}
    with caplog.at_level(logging.WARNING, "airbyte.oneup_pinterest"):
        normalized(**platforms)
        assert caplog.messages == []
        normalized(**platforms, color="red", end_time=1)

    assert caplog.messages == [
        "Ignored config keys that this version does not have: `color`, `end_time`. It has api_key, "
        "social_network_ids, shard, start_date, preset, timezone, pins_lookback_days, num_workers, "
        "max_requests_per_minute, analytics_url, accounts_url."
    ]


def test_invalid_clock_gives_a_one_sentence_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, "noon")

    assert error_message({"api_key": "sandbox-key"}) == (
        "ONEUP_PINTEREST_NOW is `noon`, which is not an ISO time: write it as 2026-01-31T12:00:00+00:00, or remove it "
        "from the environment."
    )
