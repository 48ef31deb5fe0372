"""Sync hostile responses: each of their entries is in the file, or counted and named in the summary.

python -m integration_tests.fault_injection.hostile [--examples 10000] [--seed 1]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
from hypothesis import HealthCheck, Phase

from integration_tests.fault_injection.expected import (
    PIN_TEXTS,
    Expected,
    expected_accounts,
    expected_streams,
    merge_known,
)
from integration_tests.fault_injection.payloads import NOW, TEXTS, Payload, payloads, valid_responses
from integration_tests.fault_injection.stored import find_differences, find_wrong_types, rows_of
from integration_tests.fault_injection.summary_counts import find_miscounts
from integration_tests.fault_injection.wire import respond_with
from oneup_pinterest.formatting import strip_control_characters
from oneup_pinterest.quality.status import format_status, read_status
from oneup_pinterest.sync import SyncResult, sync

ACCOUNTS = 40  # per sync
ROWS = 40  # per list of accounts
OUTCOMES = ("accepted", "coerced", "refused", "merged", "account skipped", "other network")
PLACES = {
    "overview_metrics": "data.metrics",
    "account_followers": "data.total_followers",
    "post_performance": "data.post_performance",
    "pins": "data.posts",
    "pin_totals": "data.stats",
    "accounts": "data of the list of accounts",
}
KEY = "a/key=that is &secret"
EMPTY_LIST = "OneUp lists no Pinterest account for this key any more"


def main() -> None:
    """Print a Markdown table of outcomes; exit with 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    outcomes, problems = run_examples(options.examples, options.seed)
    print(table(outcomes))
    print(f"\n{options.examples:,} hostile responses, seed {options.seed}, {time.monotonic() - began:,.0f} s.")
    for problem in problems:
        print(f"- BROKEN: {problem}")
    sys.exit(bool(problems))


def run_examples(examples: int, seed: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Send hostile responses through connector and sync; return entries by (stream, outcome), and broken promises."""
    outcomes: Counter[tuple[str, str]] = Counter()
    problems: list[str] = []
    lists = examples // 20
    each = (examples - lists) // 2
    overviews, posts = draw_payloads("overview", examples - lists - each, seed), draw_payloads("posts", each, seed)
    for start in range(0, len(overviews), 2 * ACCOUNTS):
        part = slice(start, start + 2 * ACCOUNTS)
        problems += check_two_days(overviews[part], posts[part], outcomes)
    rows = draw_payloads("accounts", lists, seed)
    for start in range(0, len(rows), 2 * ROWS):
        problems += check_account_lists(rows[start : start + 2 * ROWS], outcomes)
    return outcomes, problems


def draw_payloads(endpoint: str, count: int, seed: int) -> list[Payload]:
    """Return `count` different hostile responses of an endpoint, the same for the same seed."""
    found: dict[bytes, Payload] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=3 * count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(payloads(endpoint))
    def collect(payload: Payload) -> None:
        found.setdefault(payload.body, payload)

    if count:
        collect()
    assert len(found) >= count, f"only {len(found)} different responses of {endpoint}"
    return list(found.values())[:count]


def check_two_days(
    overviews: Sequence[Payload], posts: Sequence[Payload], outcomes: Counter[tuple[str, str]]
) -> list[str]:
    """Run two syncs into one file on two days, so that the second finds data of the first; return broken promises."""
    problems = []
    half = (len(overviews) + 1) // 2
    with tempfile.TemporaryDirectory() as folder:
        database, before = Path(folder) / "history.duckdb", {}
        for day, first in enumerate((0, half)):
            responses = {
                (payload.endpoint, f"pin_{number}"): payload
                for sent in (overviews, posts)
                for number, payload in enumerate(sent[first : first + half])
            }
            if responses:
                problems += check_sync(database, day, responses, outcomes, before)
    return problems


def check_sync(
    database: Path,
    day: int,
    responses: Mapping[tuple[str, str], Payload],
    outcomes: Counter[tuple[str, str]],
    pins: dict[tuple[str, str], dict[str, Any]] | None = None,
) -> list[str]:
    """Run one sync of accounts with hostile responses; return broken promises with the changes that broke them.

    `pins` holds the attributes of pins that earlier syncs stored, by account and id; this sync adds its own.
    """
    accounts = list(dict.fromkeys(account for _, account in responses))
    _, before = rows_of(database, date_of(day), date_of(day - 1)) if database.exists() else ({}, 0)
    try:
        result = run_sync(database, day, responses, {"social_network_ids": accounts})
    except Exception as error:
        return find_culprits(day, responses, error)
    problems = []
    rows, after = rows_of(database, date_of(day), date_of(day - 1))
    expected = {place: expected_streams(place[0], payload.body) for place, payload in responses.items()}
    counted: Counter[tuple[str, str]] = Counter()
    for (endpoint, account), streams in expected.items():
        for stream, expectation in streams.items():
            outcomes.update((stream, outcome) for outcome in expectation.outcomes)
            counted += expectation.counted
            if stream == "pins" and pins is not None:
                keep_known_values(
                    stream, {(account, name): row for name, row in expectation.rows.items()}, pins, PIN_TEXTS, counted
                )
            for problem in find_differences(stream, rows.get((stream, account), ()), expectation):
                problems.append(f"{problem} ({', '.join(responses[endpoint, account].changes)})")
            if expectation.is_skipped and not is_named(result, account):
                problems.append(f"{account} was skipped but is not named")
    if after != before:
        problems.append("rows of an earlier day changed")
    return problems + find_miscounts(result, counted) + find_wrong_types(database)


def keep_known_values(
    stream: str,
    rows: Mapping[Any, dict[str, Any]],
    before: dict[Any, dict[str, Any]],
    columns: Iterable[str],
    counted: Counter[tuple[str, str]],
) -> None:
    """Fill the nulls of rows with values known before, and count them."""
    for key, row in rows.items():
        of_row = {name: row[name] for name in columns}
        merged = merge_known(of_row, before.get(key, {}))
        counted.update((stream, f"kept {name}") for name in columns if merged[name] is not None and row[name] is None)
        before[key] = merged
        row |= merged


def find_culprits(day: int, responses: Mapping[tuple[str, str], Payload], error: Exception) -> list[str]:
    """Sync each response alone into its own file; return those that raise an error."""
    found = []
    for (_, account), payload in responses.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                one = {(payload.endpoint, account): payload}
                run_sync(Path(folder) / "h.duckdb", day, one, {"social_network_ids": [account]})
            except Exception as alone:
                found.append(f"{type(alone).__name__}: {str(alone)[:300]} ({', '.join(payload.changes)})")
    return found or [f"{type(error).__name__}: {str(error)[:300]} (of several responses together)"]


def check_account_lists(rows: Sequence[Payload], outcomes: Counter[tuple[str, str]]) -> list[str]:
    """Run two syncs of hostile account lists into one file; return broken promises."""
    problems = []
    listed_before: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        database, before = Path(folder) / "history.duckdb", {}
        for day, part in enumerate((rows[:ROWS], rows[ROWS:])):
            body = b'{"message": "OK", "error": false, "data": [' + b",".join(row.body for row in part) + b"]}"
            expected = expected_accounts(body)
            try:
                result = run_sync(database, day, {("listsocialaccounts", ""): Payload("", body, ())}, {})
            except Exception as error:
                problems.append(f"{type(error).__name__}: {str(error)[:300]} (of a list of accounts)")
                continue
            outcomes.update(("accounts", outcome) for outcome in expected.outcomes)
            for account, row in expected.rows.items():
                keep_known_values("accounts", {account: row}, before, row, expected.counted)
            empty = [warning for warning in result.warnings if warning.startswith(EMPTY_LIST)]
            if len(empty) != (bool(listed_before) and not expected.rows):
                problems.append(f"{len(empty)} warnings say that no account is listed any more")
            result.warnings = [warning for warning in result.warnings if warning not in empty]
            listed_before |= expected.rows.keys()
            problems += find_miscounts(result, expected.counted) + find_wrong_types(database)
            rows, _ = rows_of(database, date_of(day), date_of(day - 1))
            for account, row in expected.rows.items():
                one = Expected(rows={(): row}, others={(): {}})
                problems += find_differences("accounts", rows.get(("accounts", account), ()), one)
            read = {account for stream, account in rows if stream == "account_followers"}
            if read != set(expected.rows) or result.skipped_accounts:
                problems.append(f"of {len(expected.rows)} listed accounts {len(read)} were read")
    return problems


def run_sync(
    database: Path, day: int, responses: Mapping[tuple[str, str], Payload], config: Mapping[str, Any]
) -> SyncResult:
    """Run a sync of given responses; check that its summary and `status` are safe to print."""
    good = {endpoint: json.dumps(valid_responses()[endpoint][0]).encode() for endpoint in ("overview", "posts")}

    def body_of(endpoint: str, account: str) -> bytes:
        payload = responses.get((endpoint, account))
        return payload.body if payload else good[endpoint]

    settings = {"api_key": KEY, "start_date": date_of(day - 2), "max_requests_per_minute": 100_000, "num_workers": 2}
    with clock(day), respond_with(body_of):
        result = sync({**settings, **config}, database)
        summary = result.summary()
        status = format_status(read_status(database))
    for line in (summary + "\n" + status).split("\n"):
        assert line == strip_control_characters(line), f"a terminal would obey {line!r}"
    assert KEY not in summary + status
    return result


def write_hostile_database(database: Path) -> Path:
    """Sync three days of hostile texts, times and numbers into a file."""
    accounts = [text for text in TEXTS if text.strip() and "\ud800" not in text][:3]
    for day, extreme in enumerate((0, 2**63 - 1, -(2**63))):
        responses = {}
        for number, account in enumerate(accounts):
            posts = json.loads(json.dumps(valid_responses()["posts"][number % 4]))
            for place, pin in enumerate(posts["data"]["posts"]):
                pin |= {name: TEXTS[(3 * number + place) % len(TEXTS)] for name in ("text", "permalink", "format")}
                pin |= {"timestamp": ["9999-12-31", "0001-01-01", "epoch"][place % 3], TEXTS[place]: TEXTS[number]}
                pin["stats"] = dict.fromkeys(pin["stats"], extreme + place * (extreme <= 0))
            for row in posts["data"]["stats"]:
                row |= {"value_current_period": 1e308, "value_last_period": -1e308, "name": TEXTS[number]}
            responses["posts", account] = Payload("posts", json.dumps(posts).encode(), ())
        run_sync(database, day, responses, {"social_network_ids": accounts})
    return database


@contextmanager
def clock(day: int) -> Iterator[None]:
    """Set the clock of the package to some days after NOW."""
    with patch.dict(os.environ, {"ONEUP_PINTEREST_NOW": (NOW + timedelta(days=day)).isoformat()}):
        yield


def date_of(day: int) -> str:
    return (NOW + timedelta(days=day)).date().isoformat()


def is_named(result: SyncResult, account: str) -> bool:
    return any(
        entry["social_network_id"] == account and entry["reason"].endswith(".") for entry in result.skipped_accounts
    )


def table(outcomes: Counter[tuple[str, str]]) -> str:
    """Return the outcomes of the entries at each place as a Markdown table."""
    lines = [f"| place in the response | {' | '.join(OUTCOMES)} | entries |", f"|---|{'---:|' * (len(OUTCOMES) + 1)}"]
    for stream, place in [*PLACES.items(), ("", "all")]:
        counts = [
            sum(count for (of, result), count in outcomes.items() if result == outcome and stream in ("", of))
            for outcome in OUTCOMES
        ]
        lines.append(f"| {place} | {' | '.join(f'{count:,}' for count in counts)} | {sum(counts):,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
