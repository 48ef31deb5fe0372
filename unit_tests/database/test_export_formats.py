"""CSV files and workbooks hold what readers see, with usernames, and no text becomes a formula or a number."""

import csv
import re
import sys
import xml.etree.ElementTree as ET
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from oneup_pinterest.database import workbook
from oneup_pinterest.database.bi.columns import BI_KEYS, BI_VIEWS
from oneup_pinterest.database.export import WORKBOOK, export_relations
from oneup_pinterest.database.exported_relations import KEYS
from oneup_pinterest.database.load import load_pins, load_pins_latest
from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from test_support.history import LAST_DAY, as_other_destination, make_history

XML = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_history(tmp_path / "h.duckdb", days=5, pins=3)


def with_texts(database: Path, *texts: str) -> Path:
    """Give the first pins of the file these texts."""
    with duckdb.connect(database) as connection:
        ids = connection.sql("SELECT DISTINCT id FROM _pins ORDER BY id").fetchall()
        for (pin,), text in zip(ids, texts, strict=False):
            connection.execute("UPDATE _pins SET text = ? WHERE id = ?", [text, pin])
    return database


def csv_rows(output: Path, name: str) -> list[dict[str, str]]:
    text = (output / name / f"{name}.csv").read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines(keepends=True)))


class Sheet:
    """A sheet of a workbook: its XML, and its cells as (type, text, number format) by row."""

    def __init__(self, path: Path, name: str) -> None:
        with zipfile.ZipFile(path) as archive:
            names = [sheet.get("name") for sheet in ET.fromstring(archive.read("xl/workbook.xml")).iter(f"{XML}sheet")]
            self.xml = archive.read(f"xl/worksheets/sheet{names.index(name) + 1}.xml").decode()
            styles = ET.fromstring(archive.read("xl/styles.xml"))
        codes = {"1": "0"} | {item.get("numFmtId"): item.get("formatCode") for item in styles.iter(f"{XML}numFmt")}
        formats = [codes.get(item.get("numFmtId")) for item in next(styles.iter(f"{XML}cellXfs"))]
        self.rows = [
            {
                re.sub(r"\d", "", cell.get("r", "")): (
                    cell.get("t", "n"),
                    "".join(cell.itertext()),
                    formats[int(cell.get("s", 0))],
                )
                for cell in row
            }
            for row in ET.fromstring(self.xml).iter(f"{XML}row")
        ]
        self.header = [text for _, text, _ in self.rows[0].values()]

    def column(self, name: str) -> list[tuple[str, str, str | None] | None]:
        letter = list(self.rows[0])[self.header.index(name)]
        return [row.get(letter) for row in self.rows[1:]]


def test_csv_has_the_rows_of_readers_with_usernames(database: Path, tmp_path: Path) -> None:
    rows = export_relations(database, tmp_path / "out", "csv")
    assert set(rows) == set(TABLES)
    content = (tmp_path / "out" / "pins" / "pins.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfsocial_network_id,username,id,")
    assert content.count(b"\r\n") == rows["pins"] + 1
    written, pins = csv_rows(tmp_path / "out", "pins"), load_pins(database)
    assert [(row["social_network_id"], row["id"]) for row in written] == pins.select("social_network_id", "id").rows()
    assert {row["username"] for row in written} == {"one", "two"}
    assert [int(row["saves"]) for row in written] == pins["saves"].to_list()
    assert {row["snapshot_date"] for row in written} == set(pins["snapshot_date"].cast(pl.String))
    assert datetime.fromisoformat(written[0]["_airbyte_extracted_at"]) == pins["_airbyte_extracted_at"][0]
    assert list(csv_rows(tmp_path / "out", "accounts")[0])[:2] == ["social_network_id", "username"]


def test_texts_of_csv_are_no_formulas_and_numbers_stay_numbers(database: Path, tmp_path: Path) -> None:
    texts = (*FORMULAS, 'comma, "quote"\nline', "plain = 1")
    with_texts(database, *texts)
    with duckdb.connect(database) as connection:
        connection.execute("UPDATE _pins SET saves = -5")
    export_relations(database, tmp_path / "out", "csv", ["pins_latest"])
    written = {row["id"]: row for row in csv_rows(tmp_path / "out", "pins_latest")}
    expected = [f"'{text}" for text in FORMULAS] + list(texts[len(FORMULAS) :])
    assert [written[pin]["text"] for pin in sorted(written)][: len(texts)] == expected
    assert {row["saves"] for row in written.values()} == {"-5"}


def test_a_workbook_has_typed_cells_and_usernames(database: Path, tmp_path: Path) -> None:
    with duckdb.connect(database) as connection:
        connection.execute("UPDATE _pins SET id = '123456789012345678', comments = 2^60 WHERE id = 'pin_one-00000'")
    rows = export_relations(database, tmp_path / "out", "xlsx", ["pins_latest", "accounts"])
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / WORKBOOK]
    sheet, pins = Sheet(tmp_path / "out" / WORKBOOK, "pins_latest"), load_pins_latest(database)
    assert sheet.header[:3] == ["social_network_id", "username", "id"]
    assert len(sheet.rows) == rows["pins_latest"] + 1 == pins.height + 1
    assert sheet.column("id") == [("inlineStr", pin, None) for pin in pins["id"]]
    assert "123456789012345678" in pins["id"]
    assert sheet.column("saves") == [("n", str(count), "0") for count in pins["saves"]]
    assert ("inlineStr", str(2**60), None) in sheet.column("comments")  # Excel would round it
    day = str((LAST_DAY - date(1899, 12, 30)).days)
    assert set(sheet.column("snapshot_date")) == {("n", day, "yyyy-mm-dd")}
    assert {cell[2] for cell in sheet.column("timestamp") if cell} == {"yyyy-mm-dd hh:mm:ss"}
    assert set(Sheet(tmp_path / "out" / WORKBOOK, "accounts").column("is_expired")) == {("b", "0", None)}
    assert 'state="frozen"' in sheet.xml
    assert f'<autoFilter ref="A1:S{pins.height + 1}"/>' in sheet.xml
    assert all(8 <= float(width) <= 62 for width in re.findall(r' width="([\d.]+)"', sheet.xml))


def test_texts_of_a_workbook_are_no_formulas_and_no_links(database: Path, tmp_path: Path) -> None:
    texts = (*FORMULAS[:5], "https://www.pinterest.com/", "\x01\x1b[2J \uffff _x0041_ <b>&", "x" * 40_000)
    with_texts(database, *texts)
    export_relations(database, tmp_path / "out", "xlsx", ["pins_latest"])
    sheet = Sheet(tmp_path / "out" / WORKBOOK, "pins_latest")
    written = dict(zip([cell[1] for cell in sheet.column("id") if cell], sheet.column("text"), strict=True))
    cells = [written[pin] for pin in sorted(written)][: len(texts)]
    assert [cell[1] for cell in cells[:6] if cell] == list(texts[:6])
    assert {cell[0] for cell in cells if cell} == {"inlineStr"}
    assert cells[7] == ("inlineStr", "x" * 32_766 + "…", None)
    assert "<f>" not in sheet.xml
    assert "hyperlink" not in sheet.xml


def test_values_that_excel_lacks_are_written_as_text_or_error(database: Path, tmp_path: Path) -> None:
    with duckdb.connect(database) as connection:
        connection.execute("UPDATE _pins SET timestamp = '1776-07-04 01:02:03'")
        connection.execute("UPDATE overview_metrics SET value_current_period = 'inf', value_last_period = 'nan'")
    export_relations(database, tmp_path / "out", "xlsx", ["pins_latest", "overview_metrics"])
    pins, metrics = (Sheet(tmp_path / "out" / WORKBOOK, name) for name in ("pins_latest", "overview_metrics"))
    assert set(pins.column("timestamp")) == {("inlineStr", "1776-07-04 01:02:03", None)}
    assert "inf" not in str(metrics.column("value_current_period"))


def test_rows_beyond_the_limit_of_a_sheet_continue_on_the_next(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MAX_SHEET_ROWS", 11)
    monkeypatch.setattr(workbook, "BATCH_ROWS", 4)
    rows = export_relations(database, tmp_path / "out", "xlsx", ["pins"])
    sheets = -(-rows["pins"] // 10)
    assert sheets > 2
    names = ["pins", *(f"pins {number}" for number in range(2, sheets + 1))]
    written: list[Any] = []
    for name in names:
        sheet = Sheet(tmp_path / "out" / WORKBOOK, name)
        assert sheet.header[0] == "social_network_id"
        written += sheet.column("saves")
    assert [int(cell[1]) for cell in written] == load_pins(database)["saves"].to_list()


@pytest.mark.parametrize("format", ["parquet", "csv", "xlsx"])
def test_views_for_bi_hold_only_the_chosen_accounts_and_days(database: Path, tmp_path: Path, format: str) -> None:
    foreign = as_other_destination(database, tmp_path / "foreign.duckdb")
    since = LAST_DAY - timedelta(days=2)
    for file in (database, foreign):
        everything = export_relations(file, tmp_path / "all", format, list(BI_VIEWS))
        chosen = export_relations(
            HistoryFile(file, accounts=["@two"], since=since), tmp_path / "chosen", format, list(BI_VIEWS)
        )
        assert everything["account_daily"] == 2 * 4
        assert chosen["account_daily"] == 2
        assert chosen["pin_performance"] == everything["pin_performance"] / 2
    if format == "csv":
        rows = csv_rows(tmp_path / "chosen", "account_daily")
        assert {(row["social_network_id"], row["username"]) for row in rows} == {("pin_two", "two")}
        assert min(row["day"] for row in rows) == since.isoformat()


def test_parquet_has_no_column_that_load_would_store_as_a_field(database: Path, tmp_path: Path) -> None:
    export_relations(database, tmp_path / "out", "parquet", ["pins", "account_daily"])
    assert "username" not in pl.read_parquet_schema(tmp_path / "out" / "pins" / "pins.parquet")
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name not in ("pins", "account_daily")] == []


def test_an_unknown_relation_or_format_is_named_and_nothing_is_written(database: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^There is no relation pin_dayly_gains; did you mean pin_daily_gains\?"
    ) as one:
        export_relations(database, tmp_path / "out", "csv", ["pins", "pin_dayly_gains"])
    with pytest.raises(UserError, match=r"^There is no format xls: choose one of parquet, csv, xlsx\.$") as other:
        export_relations(database, tmp_path / "out", "xls")
    assert (one.value.exit_status, other.value.exit_status) == (2, 2)
    assert all(name in str(one.value) for name in KEYS)
    assert not (tmp_path / "out").exists()


def test_every_view_for_bi_has_a_key() -> None:
    assert BI_KEYS.keys() == BI_VIEWS.keys()
    assert all(set(BI_KEYS[name]) <= columns.keys() for name, (_, columns) in BI_VIEWS.items())


def test_a_missing_package_is_named_before_anything_is_written(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(UserError, match=r"need the package xlsxwriter: run `pip install") as error:
        export_relations(database, tmp_path / "out", "xlsx")
    assert error.value.exit_status == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_failed_export_keeps_the_earlier_file_and_leaves_no_other(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    output = tmp_path / "out"
    export_relations(database, output, format, ["accounts"])
    before = {path: path.read_bytes() for path in output.rglob("*.*")}

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UserError, match=r"^somewhere cannot be written: No space left on device\.$"):
        export_relations(database, output, format, ["accounts"])
    assert {path: path.read_bytes() for path in output.rglob("*.*")} == before
