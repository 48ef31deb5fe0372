"""Fixtures of the sandbox tests: a running sandbox and a client for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from oneup_pinterest.sandbox import Sandbox

BIG = "pin_sandbox_hearth_and_oak"
Ask = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    """One server for all tests of a process, because a new world takes most of a test's time."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    with Sandbox(now=noon, documented_sample=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """A sandbox as if new, whose clock is stopped at noon UTC of today."""
    now, accounts = running.now, running.account_ids
    yield running
    running.now, running.latency = now, 0.0
    running.reset_faults()
    running.clear_requests()
    for late in set(running.account_ids) - set(accounts):
        running.remove_account(late)


@pytest.fixture
def ask(sandbox: Sandbox) -> Iterator[Ask]:
    """Request an endpoint with the key and, by default, the last week of the craft account."""
    with requests.Session() as session:

        def asked(endpoint: str = "pinterest/posts", **params: str | None) -> requests.Response:
            given: dict[str, str | None] = {"apiKey": sandbox.api_key}
            if endpoint != "listsocialaccounts":
                given["social_network_id"] = "pin_sandbox_knots_by_noor"
                if not params.keys() & {"start_date", "end_date"}:
                    given["preset"] = "last_7_days"
            return session.get(
                f"{sandbox.url}/api/{endpoint}",
                params={**given, **params},
                timeout=60,  # a guard against a server that hangs; a busy machine may take some seconds
                allow_redirects=False,
            )

        yield asked


def days_ago(sandbox: Sandbox, days: int) -> str:
    """Return the date this many days before the server's UTC date."""
    return str(sandbox.now.date() - timedelta(days=days))
