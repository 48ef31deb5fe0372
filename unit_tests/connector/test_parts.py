"""A read goes through the newest windows first, and then the history of a few accounts at a time."""

import logging
import sys
from collections.abc import Callable
from datetime import date, timedelta
from types import ModuleType
from typing import Any

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalog, SyncMode
from airbyte_cdk.sources import Source
from airbyte_cdk.test.catalog_builder import CatalogBuilder

from source_oneup_pinterest import parts
from source_oneup_pinterest.components.state import StreamPlan
from source_oneup_pinterest.components.sync_context import SYNC_CONTEXT_KEY
from source_oneup_pinterest.parts import MAX_PARTS, MIN_WINDOWS, history_parts
from unit_tests.connector.mock_api import WireMocker, overview, posts, response, window_request
from unit_tests.connector.streams import CONFIG, LAST_30_DAYS, NAMES, flat_form, package

ACCOUNTS = [f"pin_{n}" for n in range(6)]
START = date(2026, 4, 8)  # six weeks before yesterday
EACH_FORM = pytest.mark.parametrize("form", [package, flat_form])


def read_all(form: Callable[..., Source], wire: WireMocker, *names: str) -> tuple[Source, list[tuple[str, str]]]:
    """Read streams of all accounts; return the source, and account and last day of each request in its order."""
    ends = [START + timedelta(days=6 + 7 * n) for n in range(5)]
    weeks = [{"start_date": str(end - timedelta(days=29)), "end_date": str(end)} for end in ends]
    for account in ACCOUNTS:
        for window in (*weeks, LAST_30_DAYS):
            wire.get(window_request("overview", account, window), response(overview()))
        since_start = {"start_date": str(START), "end_date": "2026-05-19"}
        wire.get(window_request("posts", account, since_start), response(posts()))
    config: dict[str, Any] = CONFIG | {"social_network_ids": ACCOUNTS, "start_date": str(START)}
    source = form(catalog_of(*names), config, [])
    for _ in source.read(logging.getLogger("airbyte"), config, catalog_of(*names), []):
        pass
    queries = [request.qs for request in wire._mocker.request_history]
    return source, [(query["social_network_id"][0], query.get("end_date", [""])[0]) for query in queries]


def catalog_of(*names: str) -> ConfiguredAirbyteCatalog:
    catalog = CatalogBuilder()
    for name in names:
        catalog.with_stream(name, SyncMode.incremental)
    return catalog.build()


@pytest.fixture(autouse=True)
def flat_form_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRBYTE_ENABLE_UNSAFE_CODE", "true")
    for name in ("source_declarative_manifest.components", "components"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # the CDK registers the flat form there


@EACH_FORM
def test_newest_windows_of_a_stream_are_requested_first(form: Callable[..., Source], wire: WireMocker) -> None:
    _, requests = read_all(form, wire, "overview_metrics")

    newest = [number for number, (_, end) in enumerate(requests) if not end]
    assert len(newest) == len(ACCOUNTS)
    # a stalled worker's request comes late; account by account, the last newest one would be among the last six
    assert max(newest) < 3 * len(ACCOUNTS)
    assert len(requests) == len(set(requests)) == 6 * len(ACCOUNTS)


@EACH_FORM
def test_progress_counts_every_window_of_every_stream(form: Callable[..., Source], wire: WireMocker) -> None:
    source, requests = read_all(form, wire, *NAMES)

    counts = source._config[SYNC_CONTEXT_KEY].progress.snapshot()  # type: ignore[attr-defined]
    windows = len(ACCOUNTS) * (6 + 6 + 1 + 1 + 1)
    assert counts == (len(ACCOUNTS),) * 3 + (windows, windows, len(requests), 0, 120)
    assert len(requests) == len(ACCOUNTS) * (6 + 1)


def test_all_streams_finish_a_few_accounts_before_the_next(wire: WireMocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MIN_WINDOWS", 20)  # two accounts with five weeks in two streams
    source, requests = read_all(package, wire, *NAMES)

    history = [account for account, end in requests if end not in ("", "2026-05-19")]
    assert [set(history[n : n + 10]) for n in (0, 10, 20)] == [set(ACCOUNTS[n : n + 2]) for n in (0, 2, 4)]
    assert len(requests) == len(set(requests))
    kept = source._config[SYNC_CONTEXT_KEY].responses._entries  # type: ignore[attr-defined]
    assert len(kept) == 10  # those of the last two accounts


def test_parts_hold_each_account_once_and_their_number_is_limited() -> None:
    few = {"pins": StreamPlan(history={f"pin_{n}": 4 for n in range(30)})}
    many = {name: StreamPlan(history={f"pin_{n}": 52 for n in range(10_000)}) for name in ("pins", "pin_totals")}

    assert [len(part.history or ()) for part in history_parts(few)] == [30]
    accounts = [sorted(part.history or ()) for part in history_parts(many)]
    assert len(accounts) <= MAX_PARTS
    assert sorted(account for part in accounts for account in part) == sorted(many["pins"].history)
    assert min(len(part) for part in accounts[:-1]) * 104 >= MIN_WINDOWS
    assert list(history_parts({"account_followers": StreamPlan()})) == []
