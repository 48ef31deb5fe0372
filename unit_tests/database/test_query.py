"""A query reads the database and nothing else, and its result is printed as text without surprises."""

import io
from pathlib import Path

import polars as pl
import pytest

from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.query import MAX_TABLE_ROWS, format_query_table, run_query, write_query_csv
from oneup_pinterest.errors import UserError
from test_support.history import as_other_destination, make_history


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_history(tmp_path / "h.duckdb", days=5, pins=3)


def test_a_query_sees_what_readers_see(database: Path, tmp_path: Path) -> None:
    foreign = as_other_destination(database, tmp_path / "foreign.duckdb")
    for file in (database, foreign):
        assert run_query(file, "SELECT count(*) AS pins FROM pins;").item() == load_pins(database).height
        for view in BI_VIEWS:
            assert run_query(file, f"FROM {view}").height > 0


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO accounts (social_network_id) VALUES ('x')",
        "UPDATE accounts SET username = 'x'",
        "DROP TABLE accounts",
        "CREATE TABLE mine AS SELECT 1",
        "COPY pins TO '{folder}/written.csv'",
        "EXPORT DATABASE '{folder}/written'",
        "ATTACH '{folder}/written.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 1",
        "CALL checkpoint()",
        "EXPLAIN ANALYZE DELETE FROM accounts",
    ],
)
def test_statements_that_do_not_read_are_refused(database: Path, tmp_path: Path, sql: str) -> None:
    before = database.read_bytes()
    with pytest.raises(UserError, match=r"A query only reads: write one SELECT\.") as error:
        run_query(database, sql.format(folder=tmp_path))
    assert error.value.exit_status == 2
    assert database.read_bytes() == before
    assert list(tmp_path.iterdir()) == [database]


@pytest.mark.parametrize(
    "sql",
    [
        "FROM '{file}'",
        "FROM read_csv('{file}')",
        "FROM read_text('{file}')",
        "FROM glob('{folder}/*')",
        "FROM 'https://example.com/pins.csv'",
        "FROM sqlite_scan('{file}', 'pins')",
        "FROM query('COPY (SELECT 1) TO ''{folder}/written.csv''')",
        "FROM names",  # a variable of this program
        "WITH gone AS (DELETE FROM _layout RETURNING *) FROM gone",
    ],
)
def test_a_query_reaches_nothing_beside_the_database(database: Path, tmp_path: Path, sql: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("key\nhidden\n")
    with pytest.raises(UserError, match=r"^The query failed: [^\n]+$") as error:
        run_query(database, sql.format(file=secret, folder=tmp_path))
    assert error.value.exit_status == 2
    assert "hidden" not in str(error.value)
    assert sorted(tmp_path.iterdir()) == [database, secret]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "The query is empty: write one SELECT."),
        ("-- nothing", "The query is empty: write one SELECT."),
        ("SELECT 1; SELECT 2", "There are 2 statements: write one SELECT."),
        ("SELEC 1", r"syntax error at or near \"SELEC\" \(line 1, column 1\)"),
        ("SELECT id,\n  nope\nFROM pins", r"column \"nope\" not found in FROM clause! .* \(line 2, column 3\)$"),
        ("SELECT nope FROM pins", r"\(line 1, column 8\)$"),
        ("SELECT username::INTEGER FROM accounts", "Could not convert string 'one' to INT32"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(database: Path, sql: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        run_query(database, sql)
    assert error.value.exit_status == 2
    assert "\n" not in str(error.value)


def test_columns_of_every_type_and_of_the_same_name_are_returned(database: Path) -> None:
    result = run_query(
        database,
        "SELECT 1 AS id, 2 AS id, [1, 2] AS list, {'a': 1} AS struct, INTERVAL 1 MONTH AS month, uuid() AS uuid, "
        "sum(saves) AS saves, TIME '10:00' AS time, '\\x41'::BLOB AS blob, NULL AS nothing, 1.5 AS number, "
        "TIMESTAMPTZ '2026-03-01 00:00:00+00' AS zoned FROM pins",
    )
    assert result.columns[:2] == ["id", "id_1"]
    row = result.row(0, named=True)
    assert (row["list"], row["struct"], row["month"]) == ("[1, 2]", "{'a': 1}", "1 month")
    assert row["saves"] == load_pins(database)["saves"].sum()
    assert (row["time"], row["blob"], row["nothing"], row["zoned"]) == ("10:00:00", "A", None, "2026-03-01 00:00:00+00")


def test_a_table_fits_the_width_and_says_what_is_left_out() -> None:
    result = pl.DataFrame({f"column {number}": ["a long text of a pin"] * 150 for number in range(9)})
    lines = format_query_table(result, 70).splitlines()
    assert max(map(len, lines)) <= 70
    assert len(lines) == 2 + MAX_TABLE_ROWS + 1
    assert lines[2].startswith("a long text…  a long")
    assert lines[-1] == "… 50 more rows and 4 more columns; --format csv prints all."


def test_a_table_holds_no_character_that_a_terminal_obeys() -> None:
    text = format_query_table(pl.DataFrame({"\x1b[1m": ["a\x1b[2J\r\nb\u202ec", "日本\x07"], "n": [1, None]}), 80)
    assert text.splitlines() == ["[1m       n", "--------  -", "a[2J  bc  1", "日本      –"]


def test_csv_of_a_query_keeps_numbers_and_neutralizes_formulas(database: Path) -> None:
    out = io.StringIO(newline="")
    sql = (
        "SELECT '=1+1' AS \"=text\", -1 AS number, 'a, \"b\"' AS quoted, NULL AS nothing, DATE '2026-03-01' AS day, "
        "TIMESTAMP '2026-03-01 06:00:00' AS time, e'@a\\nb' AS lines, -0.5 AS fraction"
    )
    write_query_csv(run_query(database, sql), out)
    assert out.getvalue() == (
        "'=text,number,quoted,nothing,day,time,lines,fraction\n"
        '\'=1+1,-1,"a, ""b""",,2026-03-01,2026-03-01 06:00:00,"\'@a\nb",-0.5\n'
    )
