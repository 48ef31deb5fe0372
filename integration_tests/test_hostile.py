"""Hundreds of hostile responses; `python -m integration_tests.fault_injection.hostile` sends thousands."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from integration_tests.fault_injection.hostile import (
    check_sync,
    clock,
    date_of,
    run_examples,
    run_sync,
    write_hostile_database,
)
from integration_tests.fault_injection.payloads import BODY_CHANGES, Payload, valid_responses
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.report import write_report
from oneup_pinterest.sync.run import BATCH_ROWS

pytestmark = pytest.mark.slow


def test_each_hostile_entry_is_stored_or_counted_and_named() -> None:
    outcomes, problems = run_examples(examples=160, seed=20)

    assert problems == []
    assert {outcome for _, outcome in outcomes} >= {"accepted", "coerced", "refused", "account skipped"}
    assert {place for place, _ in outcomes} == {
        "overview_metrics",
        "account_followers",
        "post_performance",
        "pins",
        "pin_totals",
        "accounts",
    }


def test_an_invalid_body_affects_only_its_own_account(tmp_path: Path) -> None:
    body = json.dumps({**valid_responses()["posts"][0], "more": None}).encode()
    responses = {
        ("posts", f"pin_{place}"): Payload("posts", change(body), (name,))
        for place, (name, change) in enumerate(BODY_CHANGES.items())
    }
    outcomes: Counter[tuple[str, str]] = Counter()

    assert check_sync(tmp_path / "history.duckdb", 0, responses, outcomes) == []
    assert outcomes["pins", "accepted"] > 20
    assert outcomes["pins", "account skipped"] >= 5


def test_duplicate_pins_are_counted_within_and_across_batches(tmp_path: Path) -> None:
    pin = valid_responses()["posts"][0]["data"]["posts"][0]
    ids = [str(place) for place in range(BATCH_ROWS + 10)]
    outcomes: Counter[tuple[str, str]] = Counter()
    for sent, merged in ((ids + ids[:3], 3), (ids, 0), (ids + ids[-2:] + ids[:2], 4)):  # three syncs of one day
        posts = [{**pin, "id": name, "text": f"{place}"} for place, name in enumerate(sent)]
        body = json.dumps({"success": True, "data": {"stats": [], "posts": posts}}).encode()
        outcomes.clear()

        assert check_sync(tmp_path / "h.duckdb", 0, {("posts", "pin_0"): Payload("posts", body, ())}, outcomes) == []
        assert outcomes["pins", "merged"] == merged


@pytest.mark.parametrize(("pins", "length"), [(300, 100_000), (3, 10_000_000)])
def test_texts_of_any_length_fit_into_the_memory_of_the_writer(pins: int, length: int, tmp_path: Path) -> None:
    database = tmp_path / "history.duckdb"
    pin = valid_responses()["posts"][0]["data"]["posts"][0]
    texts = {f"pin {place}": f"{place} ".ljust(length, "x") for place in range(pins)}
    posts = [{**pin, "id": name, "text": text} for name, text in texts.items()]
    body = json.dumps({"success": True, "data": {"stats": [], "posts": posts}}).encode()
    for day in (0, 1):
        payload = Payload("posts", body, ())
        result = run_sync(database, day, {("posts", "pin_0"): payload}, {"social_network_ids": ["pin_0"]})
        assert result.status == "done"
    with duckdb.connect(str(database), read_only=True) as connection:
        assert dict(connection.sql("SELECT id, text FROM pins_latest").fetchall()) == texts


def test_the_report_and_the_export_read_hostile_data(tmp_path: Path) -> None:
    database = write_hostile_database(tmp_path / "history.duckdb")
    with clock(3):
        page = write_report(database, tmp_path / "report.html").read_text(encoding="utf-8")
        rows = export_parquet(database, tmp_path / "export")

    assert "<script>window.hacked" not in page
    assert rows["pins"] == 3 * rows["pins_latest"] > 40
    exported = tmp_path / "export" / "pins" / "pins.parquet"
    query = "SELECT DISTINCT text FROM {} WHERE snapshot_date = '{}' ORDER BY ALL"
    with duckdb.connect(str(database), read_only=True) as connection:
        stored, written = (
            connection.sql(query.format(source, date_of(2))).fetchall() for source in ("pins", f"'{exported}'")
        )
    assert stored == written
    assert any(text.startswith("=") for (text,) in written), (
        "formulas are exported unchanged: Parquet does not run them"
    )
