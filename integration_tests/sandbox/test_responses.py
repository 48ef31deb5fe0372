"""Responses have OneUp's format, are consistent, and are the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

import oneup_pinterest.sandbox
from integration_tests.sandbox.conftest import BIG, SendRequest, days_ago
from oneup_pinterest.sandbox import Sandbox

SAMPLES = Path(oneup_pinterest.sandbox.__file__).parent / "samples"


@pytest.mark.parametrize("endpoint", ["overview", "posts"])
def test_documented_sample_is_returned_byte_for_byte(send_request: SendRequest, endpoint: str) -> None:
    response = send_request(f"pinterest/{endpoint}", social_network_id="pin_sandbox_documented_sample")
    assert response.content == (SAMPLES / f"{endpoint}.json").read_bytes()
    assert response.headers["X-Made-Up-Data"] == "oneup-pinterest sandbox"


def test_responses_have_the_keys_and_types_of_the_samples(send_request: SendRequest) -> None:
    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(part) for key, part in value.items()}
        if isinstance(value, list):
            return [shape(value[0])] if value else []
        return type(value).__name__

    for endpoint in ("overview", "posts"):
        sample = json.loads((SAMPLES / f"{endpoint}.json").read_bytes())
        response = send_request(f"pinterest/{endpoint}", social_network_id=BIG).json()
        rows = "metrics" if endpoint == "overview" else "stats"
        fixed = [("key", "name", "description")] * 6
        assert [[row[k] for k in keys] for row, keys in zip(response["data"][rows], fixed, strict=True)] == [
            [row[k] for k in keys] for row, keys in zip(sample["data"][rows], fixed, strict=True)
        ]
        if endpoint == "overview":
            entries = response["data"]["post_performance"]
            assert entries.keys() == sample["data"]["post_performance"].keys()
            for entry in entries["most_engaging"]:
                assert entry.keys() == {"id", "text", "permalink", "engagement_rate", "impressions"}
            assert all(len(ranking) == 3 for ranking in entries.values())
            response["data"]["post_performance"] = sample["data"]["post_performance"]
        assert shape(response) == shape(sample)


def test_accounts_of_other_networks_are_listed_too(sandbox: Sandbox, send_request: SendRequest) -> None:
    response = send_request("listsocialaccounts").json()
    assert (response["message"], response["error"]) == ("OK", False)
    pinterest = [row for row in response["data"] if row["social_network_type"] == "Pinterest"]
    others = [row for row in response["data"] if row not in pinterest]
    assert [row["social_account_id"] for row in pinterest] == sandbox.account_ids
    assert any("/" in row["social_account_id"] for row in others)
    assert all(row["full_name"].endswith("(made up)") for row in response["data"])
    assert all(row["social_account_id"].startswith("pin_sandbox_") for row in pinterest)
    assert response["data"][0].keys() == {
        "username",
        "full_name",
        "social_account_id",
        "social_network_type",
        "is_expired",
        "need_refresh",
    }


def test_posts_are_those_published_in_the_window_newest_first(sandbox: Sandbox, send_request: SendRequest) -> None:
    window = {"start_date": days_ago(sandbox, 40), "end_date": days_ago(sandbox, 11)}
    data = send_request(social_network_id=BIG, **window).json()["data"]
    days = [post["timestamp"][:10] for post in data["posts"]]
    assert {window["start_date"], window["end_date"]} <= set(days)
    assert all(window["start_date"] <= day <= window["end_date"] for day in days)
    stamps = [post["timestamp"] for post in data["posts"]]
    assert stamps == sorted(stamps, reverse=True)
    assert all(3 <= days.count(day) <= 5 for day in days)
    assert data["stats"][0]["value_current_period"] == len(days)
    assert len({post["id"] for post in data["posts"]}) == len(days)


def test_adjacent_windows_share_and_miss_no_pin(sandbox: Sandbox, send_request: SendRequest) -> None:
    def ids(first: int, last: int) -> set[str]:
        window = {"start_date": days_ago(sandbox, first), "end_date": days_ago(sandbox, last)}
        posts = send_request(social_network_id=BIG, **window).json()["data"]["posts"]
        return {post["id"] for post in posts}

    assert ids(28, 15) | ids(14, 1) == ids(28, 1)
    assert not ids(28, 15) & ids(14, 1)


def test_same_seed_gives_the_same_responses(sandbox: Sandbox, send_request: SendRequest) -> None:
    def response(other: Sandbox) -> object:
        params = {"apiKey": "sandbox-key", "social_network_id": BIG, "preset": "last_30_days"}
        return requests.get(f"{other.analytics_url}/pinterest/posts", params, timeout=60).json()

    with Sandbox(now=sandbox.now) as same, Sandbox(now=sandbox.now, seed=8) as different:
        assert response(sandbox) == response(same)
        assert response(sandbox) != response(different)


def test_texts_contain_characters_that_break_naive_writers(sandbox: Sandbox, send_request: SendRequest) -> None:
    posts = send_request(social_network_id=BIG, preset="last_90_days").json()["data"]["posts"]
    texts = "".join(post["text"] for post in posts)
    assert all(part in texts for part in ("\n", '"', "'", ",", "<b>", "&", "📌", "اكتشف"))


def test_saves_and_repins_differ(send_request: SendRequest) -> None:
    posts = send_request(social_network_id=BIG, preset="last_90_days").json()["data"]["posts"]
    stats = [post["stats"] for post in posts]
    assert all(isinstance(value, int) and value >= 0 for row in stats for value in row.values())
    assert sum(row["saves"] for row in stats) > sum(row["repins"] for row in stats) > 0
    assert all(row["saves"] <= row["impressions"] for row in stats)


@pytest.mark.parametrize(
    "account_id",
    [
        "pin_sandbox_a/b c",
        "pin_sandbox_'q' \"d\"",
        "pin_sandbox_100%25",
        "pin_sandbox_é😀&=+#?",
        "1000",
    ],
)
def test_any_string_can_be_an_account_id(sandbox: Sandbox, send_request: SendRequest, account_id: str) -> None:
    sandbox.add_account(account_id, pins_on_weekday=(1.0,) * 7)
    response = send_request(social_network_id=account_id)
    assert len(response.json()["data"]["posts"]) == 7
    assert sandbox.requests[-1].params["social_network_id"] == account_id
    listed = send_request("listsocialaccounts").json()["data"]
    assert account_id in [row["social_account_id"] for row in listed]
    sandbox.remove_account(account_id)
    assert send_request(social_network_id=account_id).status_code == 404


def test_an_expired_connection_returns_zeros(sandbox: Sandbox, send_request: SendRequest) -> None:
    expired = sandbox.add_account(is_expired=True)
    data = send_request("pinterest/overview", social_network_id=expired).json()["data"]
    assert {row["value_current_period"] for row in data["metrics"]} == {0}
    assert data["total_followers"] == 0
    assert send_request(social_network_id=expired).json()["data"]["posts"] == []


def test_every_year_has_pins(sandbox: Sandbox, send_request: SendRequest) -> None:
    for year in (2016, 2037):
        sandbox.now = sandbox.now.replace(year=year, month=6, day=15)
        posts = send_request(social_network_id=BIG).json()["data"]["posts"]
        assert 21 <= len(posts) <= 35
        assert all(post["timestamp"].startswith(str(year)) for post in posts)
