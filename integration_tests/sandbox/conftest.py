"""Fixtures of the sandbox tests: a running sandbox and a client for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from oneup_pinterest.sandbox import Sandbox

BIG = "pin_sandbox_hearth_and_oak"
SendRequest = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    """Yield one server for all tests of a process, because creating its data takes most of a test's time."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    with Sandbox(now=noon, documented_sample=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """Yield the sandbox in its initial state, with the clock stopped at noon UTC of today."""
    now, accounts = running.now, running.account_ids
    yield running
    running.now, running.latency = now, 0.0
    running.reset_faults()
    running.clear_requests()
    for late in set(running.account_ids) - set(accounts):
        running.remove_account(late)


@pytest.fixture
def send_request(sandbox: Sandbox) -> Iterator[SendRequest]:
    """Yield a function that requests an endpoint with the key and, by default, the last week of the craft account."""
    with requests.Session() as session:

        def send(endpoint: str = "pinterest/posts", **params: str | None) -> requests.Response:
            given: dict[str, str | None] = {"apiKey": sandbox.api_key}
            if endpoint != "listsocialaccounts":
                given["social_network_id"] = "pin_sandbox_knots_by_noor"
                if not params.keys() & {"start_date", "end_date"}:
                    given["preset"] = "last_7_days"
            return session.get(
                f"{sandbox.url}/api/{endpoint}",
                params={**given, **params},
                timeout=60,  # guards against a hanging server; a busy machine may take some seconds
                allow_redirects=False,
            )

        yield send


def days_ago(sandbox: Sandbox, days: int) -> str:
    """Return the date this many days before the server's UTC date."""
    return str(sandbox.now.date() - timedelta(days=days))
