"""The queries in docs/bi.md run on a synced file and give rows."""

import csv
import re
from pathlib import Path

import duckdb
import polars as pl
import pytest

from test_support.history import make_long_history
from test_support.paths import ROOT
from test_support.two_tables import copied_as_synced


@pytest.mark.slow
def test_queries_of_the_page_give_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = copied_as_synced(make_long_history(tmp_path / "flat.duckdb"), tmp_path / "oneup_pinterest.duckdb")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "bi.md").read_text(encoding="utf-8"), re.DOTALL)
    statements = [statement for block in blocks for statement in block.split(";") if statement.strip()]

    with duckdb.connect(database, read_only=True) as connection:
        counts = [len(connection.execute(statement).fetchall()) for statement in statements]
        days = connection.sql("SELECT count(*), sum(impressions) FROM account_daily").fetchall()[0]
        pins = connection.sql("SELECT count(*), sum(saves_rate) FROM pin_performance").fetchall()[0]

    assert len(counts) == 6
    assert all(counts)
    with Path("account_daily.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), sum(float(row["impressions"] or 0) for row in rows)) == pytest.approx(days)
    performance = pl.read_parquet("pin_performance.parquet")
    assert (performance.height, performance["saves_rate"].sum()) == pytest.approx(pins)
