"""Which day is today, in any zone, at any hour, and what `start_date` may be."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from unit_tests.connector.settled import settled


def test_without_a_start_date_history_begins_ninety_days_before_today(monkeypatch: pytest.MonkeyPatch) -> None:
    config = settled(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert date.fromisoformat(config["_today"]) - date.fromisoformat(config["_start_date"]) == timedelta(days=90)


def test_a_start_date_of_today_is_read_as_yesterday_because_today_has_no_figures_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = settled(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC), start_date="2026-11-23")
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
def test_what_cannot_be_settled_is_one_sentence_that_names_the_key(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], key: str
) -> None:
    with pytest.raises(AirbyteTracedException) as raised:
        settled(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC), **config)
    assert raised.value.failure_type == FailureType.config_error
    assert raised.value.message is not None
    assert raised.value.message.startswith(key)
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    "url", ["https://proxy.example/api", "http://127.0.0.1:8321/api", "http://localhost:1", "http://[::1]:1", None, ""]
)
def test_https_and_this_machine_are_accepted(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    settled(monkeypatch, datetime(2026, 11, 23, 12, tzinfo=UTC), analytics_url=url)
