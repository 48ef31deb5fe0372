"""Requests are accepted and rejected as OneUp documents it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import requests

from integration_tests.sandbox.conftest import Ask, days_ago
from oneup_pinterest.sandbox import Sandbox


@pytest.mark.parametrize("endpoint", ["pinterest/posts", "pinterest/overview", "listsocialaccounts"])
@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_bad_key_is_401_without_a_success_field(ask: Ask, endpoint: str, key: str | None) -> None:
    response = ask(endpoint, apiKey=key)
    assert response.status_code == 401
    assert response.json() == {"message": "Please provide a valid API key"}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"social_network_id": None}, "social_network_id"),
        ({"preset": None}, "start_date"),
        ({"preset": "last_8_days"}, "preset"),
        ({"preset": "last_7_days", "start_date": "9", "end_date": "2"}, "start_date"),
        ({"preset": "last_7_days", "end_date": "2"}, "end_date"),
        ({"start_date": "5"}, "end_date"),
        ({"end_date": "5"}, "start_date"),
        ({"start_date": "5", "end_date": "5"}, "end_date"),
        ({"start_date": "5", "end_date": "6"}, "end_date"),
        ({"start_date": "5", "end_date": "0"}, "end_date"),
        ({"start_date": "20260101", "end_date": "1"}, "start_date"),
        ({"start_date": "2026-02-30", "end_date": "1"}, "start_date"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../UTC"}, "timezone"),
        ({"timezone": "America"}, "timezone"),
    ],
)
def test_wrong_parameters_are_named_with_422(
    sandbox: Sandbox, ask: Ask, params: dict[str, str | None], field: str
) -> None:
    # A bare number in the table is a date so many days ago.
    dated = {k: days_ago(sandbox, int(v)) if v and len(v) == 1 else v for k, v in params.items()}
    for endpoint in ("pinterest/posts", "pinterest/overview"):
        response = ask(endpoint, **dated)
        body = response.json()
        assert response.status_code == 422
        assert body["success"] is False
        assert field in body["errors"]
        assert body["message"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kolkata", "UTC", ""])
@pytest.mark.parametrize("hour", [0, 11, 13, 23])
def test_yesterday_depends_on_the_requested_time_zone(sandbox: Sandbox, ask: Ask, zone: str, hour: int) -> None:
    sandbox.now = sandbox.now.replace(hour=hour, minute=30)
    yesterday = sandbox.now.astimezone(ZoneInfo(zone or "UTC")).date() - timedelta(days=1)
    start = str(yesterday - timedelta(days=6))
    accepted = ask(start_date=start, end_date=str(yesterday), timezone=zone)
    refused = ask(start_date=start, end_date=str(yesterday + timedelta(days=1)), timezone=zone)
    assert (accepted.status_code, refused.status_code) == (200, 422)
    # A preset is the days that end yesterday, both ends included.
    assert ask(preset="last_7_days", timezone=zone).json() == accepted.json()


@pytest.mark.parametrize("preset", ["last_7_days", "last_30_days", "last_90_days"])
def test_preset_equals_its_dates(sandbox: Sandbox, ask: Ask, preset: str) -> None:
    days = int(preset.split("_")[1])
    by_dates = {"start_date": days_ago(sandbox, days), "end_date": days_ago(sandbox, 1)}
    for endpoint in ("pinterest/posts", "pinterest/overview"):
        assert ask(endpoint, preset=preset).json() == ask(endpoint, **by_dates).json()


def test_unknown_account_is_the_documented_404(sandbox: Sandbox, ask: Ask) -> None:
    not_enabled = sandbox.add_account(analytics_enabled=False)
    for unknown in ("pin_nobody", "sandbox/facebook/page/10006400", not_enabled):
        response = ask(social_network_id=unknown)
        assert response.status_code == 404
        assert response.json() == {
            "success": False,
            "message": "Account not found or does not belong to the authenticated user.",
        }


def test_unknown_path_is_404_and_other_methods_405(sandbox: Sandbox, ask: Ask) -> None:
    assert ask("pinterest/nothing").status_code == 404
    posted = requests.post(f"{sandbox.url}/api/pinterest/posts", data="x", timeout=5)
    assert posted.status_code == 405


def test_first_and_last_dates_of_the_calendar_work(ask: Ask) -> None:
    assert ask(start_date="0001-01-01", end_date="0001-01-05").status_code == 200
    assert ask(start_date="9999-12-30", end_date="9999-12-31").status_code == 422
