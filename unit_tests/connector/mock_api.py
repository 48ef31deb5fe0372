"""Requests and responses of OneUp's API for Airbyte's HttpMocker."""

import json
from typing import Any
from unittest.mock import patch

from airbyte_cdk.test.mock_http import HttpMocker, HttpRequest, HttpResponse
from requests.adapters import HTTPAdapter

KEY = "unit/test+key=1"
ANALYTICS = "https://analyze.oneupapp.io/api/pinterest"
ACCOUNTS = "https://www.oneupapp.io/api/listsocialaccounts"


class WireMocker(HttpMocker):
    """Match requests as they are sent, after the adapter has added the key."""

    def __enter__(self) -> "WireMocker":
        self._patched = patch.object(
            HTTPAdapter, "send", lambda _, request, **options: self._mocker._adapter.send(request, **options)
        )
        self._patched.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patched.stop()


def window_request(endpoint: str, account: str, window: dict[str, str]) -> HttpRequest:
    """Return the request for a window; it matches only the same query."""
    query = {"apiKey": KEY, "social_network_id": account, "timezone": "UTC", **window}
    return HttpRequest(f"{ANALYTICS}/{endpoint}", query_params=query, headers={"Accept": "application/json"})


def accounts_request() -> HttpRequest:
    return HttpRequest(ACCOUNTS, query_params={"apiKey": KEY})


def response(content: Any, status: int = 200, **headers: str) -> HttpResponse:
    body = content if isinstance(content, str) else json.dumps(content)
    return HttpResponse(body, status, headers)


def overview(value: int = 12) -> dict[str, Any]:
    """Return a body with data for overview_metrics, account_followers and post_performance."""
    return {
        "success": True,
        "data": {
            "metrics": [metric(value)],
            "total_followers": value,
            "post_performance": {"most_views": [{"id": 7, "text": "A pin", "engagement_rate": f"{value}.5%"}]},
        },
    }


def posts(value: int = 12) -> dict[str, Any]:
    """Return a body with data for pins and pin_totals."""
    counters = {"impressions": value, "saves": 2, "comments": 0, "repins": 2, "clicks": None}
    pin = {"id": 7, "page_id": 70, "text": "A pin", "timestamp": "2026-05-13 09:00:00", "stats": counters}
    return {"success": True, "data": {"stats": [metric(value)], "posts": [pin]}}


def metric(value: int) -> dict[str, Any]:
    return {
        "key": "saves",
        "name": "Saves",
        "value_current_period": value,
        "value_last_period": "1,000",
        "percentage_change": "+20%",
        "description": "Saves of pins.",
    }


def empty(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body for an account without any activity."""
    nothing: dict[str, Any] = {"metrics": [], "total_followers": 0, "post_performance": [], "stats": [], "posts": []}
    return {"success": True, "data": {part: nothing[part] for part in body["data"]}}
