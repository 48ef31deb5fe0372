"""Hostile answers in the test suite: some hundreds of what `fault_injection.hostile` sends by thousands."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from integration_tests.fault_injection.hostile import attacked, clock, date_of, hostile_history, of_a_sync, synced
from integration_tests.fault_injection.payloads import RAW, Payload, originals
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.report import write_report
from oneup_pinterest.sync.run import BATCH_ROWS

pytestmark = pytest.mark.slow


def test_each_hostile_entry_is_stored_or_counted_and_named() -> None:
    outcomes, broken = attacked(examples=160, seed=20)

    assert broken == []
    assert {outcome for _, outcome in outcomes} >= {"accepted", "coerced", "refused", "account skipped"}
    assert {place for place, _ in outcomes} == {
        "overview_metrics",
        "account_followers",
        "post_performance",
        "pins",
        "pin_totals",
        "accounts",
    }


def test_an_invalid_body_is_reported_for_its_account_and_affects_no_other(tmp_path: Path) -> None:
    body = json.dumps({**originals()["posts"][0], "more": None}).encode()
    answers = {
        ("posts", f"pin_{place}"): Payload("posts", change(body), (name,))
        for place, (name, change) in enumerate(RAW.items())
    }
    outcomes: Counter[tuple[str, str]] = Counter()

    assert of_a_sync(tmp_path / "history.duckdb", 0, answers, outcomes) == []
    assert outcomes["pins", "accepted"] > 20
    assert outcomes["pins", "account skipped"] >= 5


def test_pins_that_come_twice_are_counted_however_far_apart_they_come(tmp_path: Path) -> None:
    pin = originals()["posts"][0]["data"]["posts"][0]
    ids = [str(place) for place in range(BATCH_ROWS + 10)]
    outcomes: Counter[tuple[str, str]] = Counter()
    for sent, merged in ((ids + ids[:3], 3), (ids, 0), (ids + ids[-2:] + ids[:2], 4)):  # three syncs of one day
        posts = [{**pin, "id": name, "text": f"{place}"} for place, name in enumerate(sent)]
        body = json.dumps({"success": True, "data": {"stats": [], "posts": posts}}).encode()
        outcomes.clear()

        assert of_a_sync(tmp_path / "h.duckdb", 0, {("posts", "pin_0"): Payload("posts", body, ())}, outcomes) == []
        assert outcomes["pins", "merged"] == merged


@pytest.mark.parametrize(("pins", "length"), [(300, 100_000), (3, 10_000_000)])
def test_texts_of_any_length_fit_into_the_memory_that_the_writer_has(pins: int, length: int, tmp_path: Path) -> None:
    database = tmp_path / "history.duckdb"
    pin = originals()["posts"][0]["data"]["posts"][0]
    texts = {f"pin {place}": f"{place} ".ljust(length, "x") for place in range(pins)}
    posts = [{**pin, "id": name, "text": text} for name, text in texts.items()]
    body = json.dumps({"success": True, "data": {"stats": [], "posts": posts}}).encode()
    for day in (0, 1):
        payload = Payload("posts", body, ())
        result = synced(database, day, {("posts", "pin_0"): payload}, {"social_network_ids": ["pin_0"]})
        assert result.status == "done"
    with duckdb.connect(str(database), read_only=True) as connection:
        assert dict(connection.sql("SELECT id, text FROM pins_latest").fetchall()) == texts


def test_every_reader_reads_a_file_of_hostile_responses(tmp_path: Path) -> None:
    database = hostile_history(tmp_path / "history.duckdb")
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
    assert any(text.startswith("=") for (text,) in written), "formulas are exported as they are: Parquet runs none"
