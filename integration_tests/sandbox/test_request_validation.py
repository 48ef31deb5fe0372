"""Requests are accepted or rejected as OneUp documents."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import requests

from integration_tests.sandbox.conftest import SendRequest, days_ago
from oneup_pinterest.sandbox import Sandbox


@pytest.mark.parametrize("endpoint", ["pinterest/posts", "pinterest/overview", "listsocialaccounts"])
@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_a_wrong_key_returns_401_without_a_success_field(
    send_request: SendRequest, endpoint: str, key: str | None
) -> None:
    response = send_request(endpoint, apiKey=key)
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
def test_wrong_parameters_return_422_with_their_names(
    sandbox: Sandbox, send_request: SendRequest, params: dict[str, str | None], field: str
) -> None:
    # A number in the table stands for the date that many days ago.
    dated = {k: days_ago(sandbox, int(v)) if v and len(v) == 1 else v for k, v in params.items()}
    for endpoint in ("pinterest/posts", "pinterest/overview"):
        response = send_request(endpoint, **dated)
        body = response.json()
        assert response.status_code == 422
        assert body["success"] is False
        assert field in body["errors"]
        assert body["message"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kolkata", "UTC", ""])
@pytest.mark.parametrize("hour", [0, 11, 13, 23])
def test_yesterday_depends_on_the_requested_time_zone(
    sandbox: Sandbox, send_request: SendRequest, zone: str, hour: int
) -> None:
    sandbox.now = sandbox.now.replace(hour=hour, minute=30)
    yesterday = sandbox.now.astimezone(ZoneInfo(zone or "UTC")).date() - timedelta(days=1)
    start = str(yesterday - timedelta(days=6))
    accepted = send_request(start_date=start, end_date=str(yesterday), timezone=zone)
    refused = send_request(start_date=start, end_date=str(yesterday + timedelta(days=1)), timezone=zone)
    assert (accepted.status_code, refused.status_code) == (200, 422)
    # A preset covers the days up to yesterday, both ends included.
    assert send_request(preset="last_7_days", timezone=zone).json() == accepted.json()


@pytest.mark.parametrize("preset", ["last_7_days", "last_30_days", "last_90_days"])
def test_a_preset_equals_its_dates(sandbox: Sandbox, send_request: SendRequest, preset: str) -> None:
    days = int(preset.split("_")[1])
    by_dates = {"start_date": days_ago(sandbox, days), "end_date": days_ago(sandbox, 1)}
    for endpoint in ("pinterest/posts", "pinterest/overview"):
        assert send_request(endpoint, preset=preset).json() == send_request(endpoint, **by_dates).json()


def test_an_unknown_account_returns_the_documented_404(sandbox: Sandbox, send_request: SendRequest) -> None:
    not_enabled = sandbox.add_account(analytics_enabled=False)
    for unknown in ("pin_nobody", "sandbox/facebook/page/10006400", not_enabled):
        response = send_request(social_network_id=unknown)
        assert response.status_code == 404
        assert response.json() == {
            "success": False,
            "message": "Account not found or does not belong to the authenticated user.",
        }


def test_unknown_paths_return_404_and_other_methods_405(sandbox: Sandbox, send_request: SendRequest) -> None:
    assert send_request("pinterest/nothing").status_code == 404
    posted = requests.post(f"{sandbox.url}/api/pinterest/posts", data="x", timeout=5)
    assert posted.status_code == 405


def test_the_first_and_last_dates_of_the_calendar_cause_no_error(send_request: SendRequest) -> None:
    assert send_request(start_date="0001-01-01", end_date="0001-01-05").status_code == 200
    assert send_request(start_date="9999-12-30", end_date="9999-12-31").status_code == 422
