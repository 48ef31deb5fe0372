"""Every class of fault over real HTTP: the fast part of `python -m integration_tests.fault_injection.faults`."""

from pathlib import Path
from typing import Any

import pytest

from integration_tests.airbyte import read
from integration_tests.fault_injection.fault_classes import CLASSES, FaultClass
from integration_tests.fault_injection.faults import sync_with_random_faults
from integration_tests.fault_injection.faulty_syncs import sync_without_faults
from integration_tests.fault_injection.key_search import Search, occurrences
from integration_tests.fault_injection.rows import Damage
from oneup_pinterest.sandbox import Fault, Sandbox
from source_oneup_pinterest.components import limits
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON

pytestmark = pytest.mark.slow

# the classes that issue 6 requires, in its order
REQUIRED_CLASSES = (
    "429, Retry-After in seconds",
    "429, Retry-After as a date",
    "429, no Retry-After",
    "500 with JSON",
    "502 with JSON",
    "503 with JSON",
    "500 with HTML",
    "502 with HTML",
    "503 with HTML",
    "connect time-out",
    "read time-out",
    "dropped, before",
    "dropped, headers",
    "dropped, body",
    "truncated body",
    "wrong content length",
    "gzip",
    "redirect to a login page",
    "200 with HTML",
    "200 with `success: false`",
    "200 with `data` null",
    "200 with `data` missing",
    "`metrics` null",
    "`metrics` missing",
    "`posts` null",
    "`posts` missing",
    "401 with JSON",
    "402 with JSON",
    "403 with JSON",
    "404 with JSON",
    "422 with JSON",
)
START = {"start_date": "2026-05-10"}


def fault_class(name: str) -> FaultClass:
    return next(faults for faults in CLASSES if faults.name == name)


def ordered(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {stream: sorted(map(repr, found)) for stream, found in rows.items()}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """Return what a read without faults returns."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(accounts=2, now=NOON) as sandbox:
        patch.setenv(CLOCK_VARIABLE, NOON.isoformat())
        return ordered(read({**sandbox.config(), **START}).records)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, rows: object, waits: list[float]) -> Any:
    monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
    with Sandbox(accounts=2, now=NOON) as sandbox:
        yield sandbox


def test_the_command_tries_every_required_fault_class_once() -> None:
    names = [faults.name for faults in CLASSES]
    assert sorted(set(REQUIRED_CLASSES) - set(names)) == []
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "name",
    [
        "gzip",
        "truncated gzip",
        "corrupt gzip",
        "gzip with a wrong length",
        "unrequested brotli",
        "chunked",
        "truncated chunks",
        "invalid chunks",
        "103 before the response",
        "invalid status line",
        "byte order mark",
        "204 with an empty body",
        "429, huge Retry-After",
        "429, negative Retry-After",
        "429, invalid Retry-After",
        "429, past Retry-After",
    ],
)
def test_a_temporary_fault_changes_no_row_and_waits_at_most_two_minutes(
    sandbox: Sandbox, rows: dict[str, list[str]], waits: list[float], name: str
) -> None:
    faults = fault_class(name)
    for path in faults.paths:
        sandbox.inject(faults.fault(path))

    result = read({**sandbox.config(), **START})

    assert result.exception is None
    assert ordered(result.records) == rows
    between_attempts = [wait for wait in waits if wait != 122]  # 122 s is a pause of the CDK's rate limiter
    assert max(between_attempts, default=0) <= 121


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("flood", megabytes=40, start="{", path="posts"), "far too large"),
        (Fault("gzip", how="bomb", megabytes=40, path="posts"), "far too large"),
        (Fault("drip", seconds=0.05, start="{", path="posts", times=None), "did not respond in time. It was tried"),
        (Fault("drip", seconds=0.05, where="head", path="posts", times=None), "did not respond in time. It was tried"),
        (Fault("gzip", how="corrupt", path="posts", times=None), "cannot be decompressed. It was tried 5 times"),
        (Fault("drop", path="posts", times=None), "connection to OneUp failed (ConnectionError). It was tried 5 times"),
    ],
)
def test_a_permanent_fault_ends_within_limits_and_names_its_cause(
    sandbox: Sandbox, rows: dict[str, list[str]], fault: Fault, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = sandbox.account_ids
    fault.social_network_id = bad
    sandbox.inject(fault)
    if fault.kind == "drip":
        monkeypatch.setattr(limits, "MAX_SECONDS", 0.5)

    result = read({**sandbox.config(), **START}, streams=["pins"])

    (error,) = [error for error in result.errors if "stream_descriptor" in error]
    assert error["message"].startswith(f'Account "{bad}" could not be read: ')
    assert message in error["message"]
    assert {row["social_network_id"] for row in result.records["pins"]} == {good}


def test_random_faults_lose_no_row_and_never_write_the_key(tmp_path: Path) -> None:
    search = Search()
    days = sync_without_faults(tmp_path / "reference")

    statuses, remaining, problems, _ = sync_with_random_faults(6, tmp_path / "random", days, search)

    assert problems == []
    assert remaining == Damage(0, 0, 0)
    assert statuses[1] == statuses[3] == 0
    assert search.found == 0
    assert len(search.counts) == 3  # commands, files and values


@pytest.mark.parametrize(
    "written",
    [
        "kQ/e+y=1 ü&xZ",
        "kQ/e%2By%3D1%20%C3%BC%26xZ",
        "kq%2fe%2by%3d1+%c3%bc%26xz",
        r"kQ\/e+y=1 \u00fc&xZ",
        r"kQ\\\/e+y=1 \\\\u00fc&xZ",
        "kQ/e+y=1 ü&amp;xZ",
        "kQ%252Fe%252By%253D1%2520%25C3%25BC%2526xZ",
        "a1EvZSt5PTEgw7wmeFo",
    ],
)
def test_the_key_search_finds_every_spelling(written: str) -> None:
    assert occurrences(f"GET /?apiKey={written} HTTP/1.1".encode()) == 1
