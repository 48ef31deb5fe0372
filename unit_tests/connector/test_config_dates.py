"""Dates and URLs of a config are resolved and validated."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest.components.config_dates import _validated_url
from unit_tests.connector.configs import resolved


def test_default_start_date_is_ninety_days_before_today(monkeypatch: pytest.MonkeyPatch) -> None:
    config = resolved(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert date.fromisoformat(config["_today"]) - date.fromisoformat(config["_start_date"]) == timedelta(days=90)


def test_start_date_of_today_is_moved_to_yesterday(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = resolved(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC), start_date="2026-11-23")
    assert config["_start_date"] == "2026-11-22"


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"start_date": "2026-11-24"}, "`start_date`"),
        ({"start_date": "2026-02-30"}, "`start_date`"),
        ({"start_date": 5}, "`start_date`"),
        ({"timezone": "Mars/Olympus"}, "`timezone`"),
        ({"timezone": "../etc/passwd"}, "`timezone`"),
        ({"timezone": 3}, "`timezone`"),
        ({"analytics_url": "http://analyze.oneupapp.io/api"}, "`analytics_url`"),
        ({"accounts_url": "ftp://127.0.0.1"}, "`accounts_url`"),
        ({"accounts_url": "http://127.example.com"}, "`accounts_url`"),
        ({"analytics_url": 7}, "`analytics_url`"),
    ],
)
def test_error_for_an_invalid_value_names_the_key(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], key: str
) -> None:
    with pytest.raises(AirbyteTracedException) as raised:
        resolved(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC), **config)
    assert raised.value.failure_type == FailureType.config_error
    assert raised.value.message is not None
    assert raised.value.message.startswith(key)
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    "url", ["https://proxy.example/api", "http://127.0.0.1:8321/api", "http://localhost:1", "http://[::1]:1", None, ""]
)
def test_https_and_loopback_urls_are_accepted(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    resolved(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC), analytics_url=url)


@pytest.mark.parametrize(
    ("url", "resolved_url"),
    [
        (None, ""),
        ("", ""),
        ("https://analyze.oneupapp.io/api", "https://analyze.oneupapp.io/api"),
        ("https://analyze.oneupapp.io/api/", "https://analyze.oneupapp.io/api"),
        ("HTTPS://Analyze.OneUpApp.io/api", "https://analyze.oneupapp.io/api"),
        (" https://analyze.oneupapp.io/api", "https://analyze.oneupapp.io/api"),
        ("http://127.0.0.1:8321/api", "http://127.0.0.1:8321/api"),
        ("http://127.0.0.2/api", "http://127.0.0.2/api"),
        ("http://[::1]:8321/api", "http://[::1]:8321/api"),
        ("http://localhost:8321/api", "http://localhost:8321/api"),
        ("HTTP://LOCALHOST/api", "http://localhost/api"),
        ("http://127.0.0.1\\@evil.example/api", "http://127.0.0.1/%5C@evil.example/api"),
        ("https://analyze.oneupapp.io/api#", "https://analyze.oneupapp.io/api"),
    ],
)
def test_url_is_used_in_its_validated_form(url: str | None, resolved_url: str) -> None:
    assert _validated_url("analytics_url", url) == resolved_url


@pytest.mark.parametrize(
    "url",
    [
        "http://analyze.oneupapp.io/api",
        "http://127.0.0.1.evil.example/api",
        "http://localhost.evil.example/api",
        "http://localhost@evil.example/api",
        "http://127.0.0.1:80@evil.example/api",
        "http://evil.example\\@127.0.0.1/api",  # parsers disagree about its host
        "http://１２７.0.0.1/api",
        "http://evil.example#@127.0.0.1/api",
        "http://evil.example?@127.0.0.1/api",
        "http://127.0.0.1\n.evil.example/api",
        "http://127.0.0.1 .evil.example/api",
        "http://localhost./api",
        "http://0.0.0.0/api",
        "http://10.0.0.1/api",
        "http://2130706433/api",
        "http://[::ffff:10.0.0.1]/api",
        "http://",
        "https://",
        "https:analyze.oneupapp.io",
        "//analyze.oneupapp.io/api",
        "analyze.oneupapp.io/api",
        "ftp://127.0.0.1/api",
        "file:///etc/passwd",
        "https://analyze.oneupapp.io:port/api",
        "https://*.oneupapp.io/api",
        7,
        ["https://analyze.oneupapp.io/api"],
        "https://user:password@analyze.oneupapp.io/api",
        "https://user@analyze.oneupapp.io/api",
        "http://user:password@127.0.0.1/api",
        "https://analyze.oneupapp.io/api?to=",
        "https://analyze.oneupapp.io/api#part",
    ],
)
def test_other_url_is_rejected_and_not_quoted(url: object) -> None:
    with pytest.raises(AirbyteTracedException) as caught:
        _validated_url("analytics_url", url)

    message = caught.value.message or ""
    assert message.startswith("`analytics_url` must be an")
    assert "password@" not in message
    assert "evil" not in message
