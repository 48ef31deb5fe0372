"""The counts of a read are right at every moment and in every thread."""

import threading
from typing import Any

import pytest
import requests
from airbyte_cdk.sources.streams.call_rate import APIBudget, CallRateLimitHit

from source_oneup_pinterest.components.progress import ReadProgress
from source_oneup_pinterest.components.session import OneUpSession
from source_oneup_pinterest.components.sync_context import SyncContext
from unit_tests.connector.mock_api import ACCOUNTS, KEY, WireMocker, accounts_request, response


def test_account_is_complete_only_after_every_stream() -> None:
    progress = ReadProgress(60)
    progress.expect(streams=2)
    assert progress.snapshot() == (0, 0, 0, 0, 0, 0, 0, 60)

    progress.plan("pin_a", newest=1, history=1)
    progress.close("pin_a", is_newest=True)
    assert progress.snapshot()[:5] == (1, 0, 0, 2, 1)

    progress.plan("pin_a", newest=1, history=0)
    progress.close("pin_a", is_newest=True)
    assert progress.snapshot()[:5] == (1, 1, 0, 3, 2)

    progress.close("pin_a", is_newest=False)
    assert progress.snapshot()[:5] == (1, 1, 1, 3, 3)


def test_account_with_history_only_does_not_wait_for_a_newest_window() -> None:
    progress = ReadProgress(60)
    progress.plan("pin_a", newest=0, history=1)
    assert progress.snapshot()[:3] == (1, 1, 0)


def test_counts_are_right_after_many_threads() -> None:
    progress = ReadProgress(60)
    progress.plan("pin_a", newest=0, history=4_000)

    def close() -> None:
        for _ in range(1_000):
            with progress.waiting():
                progress.close("pin_a", is_newest=False)

    threads = [threading.Thread(target=close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress.snapshot() == (1, 1, 1, 4_000, 4_000, 4_000, 0, 60)


class SlowBudget(APIBudget):
    """A budget that records the progress when it is asked, and may refuse."""

    def __init__(self, progress: ReadProgress, refuses: bool) -> None:
        super().__init__([])
        self.progress, self.refuses = progress, refuses
        self.seen: list[tuple[int, int]] = []

    def acquire_call(self, request: Any, block: bool = True, timeout: float | None = None) -> None:
        snapshot = self.progress.snapshot()
        self.seen.append((snapshot.waiting, snapshot.requests))
        if self.refuses:
            raise CallRateLimitHit("full", request, 1, "1 per minute", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("refuses", [False, True])
def test_request_waits_until_the_budget_lets_it_go(wire: WireMocker, refuses: bool) -> None:
    context = SyncContext(30)
    budget = SlowBudget(context.progress, refuses)
    wire.get(accounts_request(), response({"data": []}))
    with OneUpSession(budget, KEY, context) as session:
        request = session.prepare_request(requests.Request("GET", ACCOUNTS))
        if refuses:
            with pytest.raises(CallRateLimitHit):
                session.send(request)
        else:
            session.send(request)
            session.send(request)  # the kept response needs no request

    assert budget.seen == [(1, 0)]
    counts = context.progress.snapshot()
    assert (counts.waiting, counts.requests) == (0, 0 if refuses else 1)
