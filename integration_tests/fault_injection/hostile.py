"""What becomes of hostile answers: each entry of them is in the file, or counted and named in the summary.

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

from integration_tests.fault_injection.expected import PIN_TEXTS, Expected, known, of_accounts, of_answer
from integration_tests.fault_injection.payloads import NOW, TEXTS, Payload, originals, payloads
from integration_tests.fault_injection.stored import differences, rows_of, wrong_types
from integration_tests.fault_injection.summary_counts import miscounted
from integration_tests.fault_injection.wire import answered_by
from oneup_pinterest.formatting import strip_control_characters
from oneup_pinterest.quality.status import format_status, read_status
from oneup_pinterest.sync import SyncResult, sync

ACCOUNTS = 40  # whose answers one sync brings
ROWS = 40  # of accounts that one list has
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
    """Print a Markdown table of outcomes; end with 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    outcomes, broken = attacked(options.examples, options.seed)
    print(table(outcomes))
    print(f"\n{options.examples:,} hostile answers, seed {options.seed}, {time.monotonic() - began:,.0f} s.")
    for what in broken:
        print(f"- BROKEN: {what}")
    sys.exit(bool(broken))


def attacked(examples: int, seed: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Send hostile responses through connector and sync; return entries by (stream, outcome), and broken promises."""
    outcomes: Counter[tuple[str, str]] = Counter()
    broken: list[str] = []
    lists = examples // 20
    each = (examples - lists) // 2
    overviews, posts = drawn("overview", examples - lists - each, seed), drawn("posts", each, seed)
    for start in range(0, len(overviews), 2 * ACCOUNTS):
        part = slice(start, start + 2 * ACCOUNTS)
        broken += of_two_days(overviews[part], posts[part], outcomes)
    rows = drawn("accounts", lists, seed)
    for start in range(0, len(rows), 2 * ROWS):
        broken += of_two_lists(rows[start : start + 2 * ROWS], outcomes)
    return outcomes, broken


def drawn(endpoint: str, count: int, seed: int) -> list[Payload]:
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
    assert len(found) >= count, f"only {len(found)} answers of {endpoint} differ"
    return list(found.values())[:count]


def of_two_days(
    overviews: Sequence[Payload], posts: Sequence[Payload], outcomes: Counter[tuple[str, str]]
) -> list[str]:
    """Run two syncs into one file on two days, so that the second meets the data of the first."""
    broken = []
    half = (len(overviews) + 1) // 2
    with tempfile.TemporaryDirectory() as folder:
        database, before = Path(folder) / "history.duckdb", {}
        for day, first in enumerate((0, half)):
            answers = {
                (payload.endpoint, f"pin_{number}"): payload
                for sent in (overviews, posts)
                for number, payload in enumerate(sent[first : first + half])
            }
            if answers:
                broken += of_a_sync(database, day, answers, outcomes, before)
    return broken


def of_a_sync(
    database: Path,
    day: int,
    answers: Mapping[tuple[str, str], Payload],
    outcomes: Counter[tuple[str, str]],
    pins: dict[tuple[str, str], dict[str, Any]] | None = None,
) -> list[str]:
    """Run one sync of accounts with hostile responses; return broken promises with the response that broke them.

    `pins` are attributes of pins by account and id: those that earlier syncs stored, to which these are added.
    """
    accounts = list(dict.fromkeys(account for _, account in answers))
    _, before = rows_of(database, date_of(day), date_of(day - 1)) if database.exists() else ({}, 0)
    try:
        result = synced(database, day, answers, {"social_network_ids": accounts})
    except Exception as error:
        return blamed(day, answers, error)
    broken = []
    rows, after = rows_of(database, date_of(day), date_of(day - 1))
    expected = {place: of_answer(place[0], payload.body) for place, payload in answers.items()}
    counted: Counter[tuple[str, str]] = Counter()
    for (endpoint, account), streams in expected.items():
        for stream, wanted in streams.items():
            outcomes.update((stream, outcome) for outcome in wanted.outcomes)
            counted += wanted.counted
            if stream == "pins" and pins is not None:
                keep_known(
                    stream, {(account, name): row for name, row in wanted.rows.items()}, pins, PIN_TEXTS, counted
                )
            for problem in differences(stream, rows.get((stream, account), ()), wanted):
                broken.append(f"{problem} ({', '.join(answers[endpoint, account].changes)})")
            if wanted.is_skipped and not is_named(result, account):
                broken.append(f"{account} was skipped and is not named")
    if after != before:
        broken.append("rows of an earlier day have changed")
    return broken + miscounted(result, counted) + wrong_types(database)


def keep_known(
    stream: str,
    rows: Mapping[Any, dict[str, Any]],
    before: dict[Any, dict[str, Any]],
    columns: Iterable[str],
    counted: Counter[tuple[str, str]],
) -> None:
    """Give rows what was known before where they have null, and count it."""
    for key, row in rows.items():
        of_row = {name: row[name] for name in columns}
        merged = known(of_row, before.get(key, {}))
        counted.update((stream, f"kept {name}") for name in columns if merged[name] is not None and row[name] is None)
        before[key] = merged
        row |= merged


def blamed(day: int, answers: Mapping[tuple[str, str], Payload], error: Exception) -> list[str]:
    """Return the responses that break a sync; each is tried alone in its own file."""
    found = []
    for (_, account), payload in answers.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                one = {(payload.endpoint, account): payload}
                synced(Path(folder) / "h.duckdb", day, one, {"social_network_ids": [account]})
            except Exception as alone:
                found.append(f"{type(alone).__name__}: {str(alone)[:300]} ({', '.join(payload.changes)})")
    return found or [f"{type(error).__name__}: {str(error)[:300]} (of several answers together)"]


def of_two_lists(rows: Sequence[Payload], outcomes: Counter[tuple[str, str]]) -> list[str]:
    """Run two syncs of hostile account lists into one file; return broken promises."""
    broken = []
    known: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        database, before = Path(folder) / "history.duckdb", {}
        for day, part in enumerate((rows[:ROWS], rows[ROWS:])):
            listed = b'{"message": "OK", "error": false, "data": [' + b",".join(row.body for row in part) + b"]}"
            expected = of_accounts(listed)
            try:
                result = synced(database, day, {("listsocialaccounts", ""): Payload("", listed, ())}, {})
            except Exception as error:
                broken.append(f"{type(error).__name__}: {str(error)[:300]} (of a list of accounts)")
                continue
            outcomes.update(("accounts", outcome) for outcome in expected.outcomes)
            for account, row in expected.rows.items():
                keep_known("accounts", {account: row}, before, row, expected.counted)
            empty = [warning for warning in result.warnings if warning.startswith(EMPTY_LIST)]
            if len(empty) != (bool(known) and not expected.rows):
                broken.append(f"{len(empty)} warnings say that no account is listed any more")
            result.warnings = [warning for warning in result.warnings if warning not in empty]
            known |= expected.rows.keys()
            broken += miscounted(result, expected.counted) + wrong_types(database)
            rows, _ = rows_of(database, date_of(day), date_of(day - 1))
            for account, row in expected.rows.items():
                one = Expected(rows={(): row}, others={(): {}})
                broken += differences("accounts", rows.get(("accounts", account), ()), one)
            read = {account for stream, account in rows if stream == "account_followers"}
            if read != set(expected.rows) or result.skipped_accounts:
                broken.append(f"of {len(expected.rows)} listed accounts {len(read)} were read")
    return broken


# -------------------------------------------------------------------------------------- a sync


def synced(
    database: Path, day: int, answers: Mapping[tuple[str, str], Payload], config: Mapping[str, Any]
) -> SyncResult:
    """Run a real sync of given responses, check its summary and run `status` after it."""
    good = {endpoint: json.dumps(originals()[endpoint][0]).encode() for endpoint in ("overview", "posts")}

    def answer(endpoint: str, account: str) -> bytes:
        payload = answers.get((endpoint, account))
        return payload.body if payload else good[endpoint]

    settings = {"api_key": KEY, "start_date": date_of(day - 2), "max_requests_per_minute": 100_000, "num_workers": 2}
    with clock(day), answered_by(answer):
        result = sync({**settings, **config}, database)
        told = result.summary()
        shown = format_status(read_status(database))
    for line in (told + "\n" + shown).split("\n"):
        assert line == strip_control_characters(line), f"a terminal would obey {line!r}"
    assert KEY not in told + shown
    return result


def hostile_history(database: Path) -> Path:
    """Write a file of three days of real syncs with the oddest texts, times and figures."""
    accounts = [text for text in TEXTS if text.strip() and "\ud800" not in text][:3]
    for day, extreme in enumerate((0, 2**63 - 1, -(2**63))):
        answers = {}
        for number, account in enumerate(accounts):
            posts = json.loads(json.dumps(originals()["posts"][number % 4]))
            for place, pin in enumerate(posts["data"]["posts"]):
                pin |= {name: TEXTS[(3 * number + place) % len(TEXTS)] for name in ("text", "permalink", "format")}
                pin |= {"timestamp": ["9999-12-31", "0001-01-01", "epoch"][place % 3], TEXTS[place]: TEXTS[number]}
                pin["stats"] = dict.fromkeys(pin["stats"], extreme + place * (extreme <= 0))
            for row in posts["data"]["stats"]:
                row |= {"value_current_period": 1e308, "value_last_period": -1e308, "name": TEXTS[number]}
            answers["posts", account] = Payload("posts", json.dumps(posts).encode(), ())
        synced(database, day, answers, {"social_network_ids": accounts})  # with the summary and `status`
    return database


@contextmanager
def clock(day: int) -> Iterator[None]:
    """Set the clocks of both sides to some days after NOW."""
    with patch.dict(os.environ, {"ONEUP_PINTEREST_NOW": (NOW + timedelta(days=day)).isoformat()}):
        yield


def date_of(day: int) -> str:
    return (NOW + timedelta(days=day)).date().isoformat()


def is_named(result: SyncResult, account: str) -> bool:
    return any(
        entry["social_network_id"] == account and entry["reason"].endswith(".") for entry in result.skipped_accounts
    )


def table(outcomes: Counter[tuple[str, str]]) -> str:
    """Return what became of the entries at each place, in Markdown."""
    lines = [f"| place in the answer | {' | '.join(OUTCOMES)} | entries |", f"|---|{'---:|' * (len(OUTCOMES) + 1)}"]
    for stream, place in [*PLACES.items(), ("", "all")]:
        counts = [
            sum(count for (of, what), count in outcomes.items() if what == outcome and stream in ("", of))
            for outcome in OUTCOMES
        ]
        lines.append(f"| {place} | {' | '.join(f'{count:,}' for count in counts)} | {sum(counts):,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
