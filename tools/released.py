"""Write a small history as SQL, one file per released schema version, so that later versions are tested on it.

python -m tools.released VERSION writes integration_tests/schema_versions/VERSION.sql from today's code.
"""

import argparse
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from oneup_pinterest.clock import CLOCK_VARIABLE
from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.schema import quoted
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.database_file import STORAGE_VERSION

SCHEMA_VERSIONS = Path(__file__).parents[1] / "integration_tests" / "schema_versions"
DAY_ONE = datetime(2026, 5, 20, 12, tzinfo=UTC)
ACCOUNTS = 2
START_DATE = "2026-05-12"  # a week is enough and readable in a diff
OURS = "database_name = current_database() AND NOT internal AND NOT temporary"


def fixtures() -> list[Path]:
    """Return the files of all released schema versions, oldest first."""
    return sorted(SCHEMA_VERSIONS.glob("*.sql"), key=lambda path: [int(part) for part in path.stem.split(".")])


def config(sandbox: Sandbox) -> dict[str, Any]:
    """Return the config with which the histories were synced."""
    return {**sandbox.config(), "start_date": START_DATE}


def as_sql(database: Path) -> str:
    """Return the SQL of all tables with their rows, and of all views."""
    lines = []
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.sql(f"SELECT table_name FROM duckdb_tables() WHERE {OURS} ORDER BY ALL").fetchall()
        for (table,) in tables:
            columns = connection.sql(f"DESCRIBE {quoted(table)}").fetchall()
            body = ", ".join(f"{quoted(name)} {type_}" for name, type_, *_ in columns)
            lines += ["", f"CREATE TABLE {quoted(table)} ({body});"]
            rows = connection.sql(f"SELECT * FROM {quoted(table)} ORDER BY ALL").fetchall()
            lines += [f"INSERT INTO {quoted(table)} VALUES ({', '.join(map(_literal, row))});" for row in rows]
        views = connection.sql(f"SELECT view_name, sql FROM duckdb_views() WHERE {OURS} ORDER BY 1").fetchall()
        # every sync makes the views for BI as its version has them
        lines += ["", *(str(sql).strip() for name, sql in views if name not in BI_VIEWS)]
    return "\n".join(lines).strip() + "\n"


def build(fixture: Path, database: Path) -> None:
    """Build the database of a fixture with the imported DuckDB."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{database}' AS history (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE history")
        connection.execute(f"BEGIN; {fixture.read_text(encoding='utf-8')} COMMIT")


def stored_schema(database: Path) -> dict[str, dict[str, str]]:
    """Return the column types of each table and view, and the value types by path of each stream's state."""
    found: dict[str, dict[str, str]] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = f"SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE {OURS.rpartition(' AND')[0]}"
        for table, column, type_ in connection.sql(columns).fetchall():
            found.setdefault(table, {})[column] = type_
        for stream, state in connection.sql("SELECT stream_name, state FROM _airbyte_state").fetchall():
            found[f"state of {stream}"] = _shape(json.loads(state))
    return found


def _shape(value: Any, place: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        return {
            where: type_ for name, part in value.items() for where, type_ in _shape(part, f"{place}.{name}").items()
        }
    if isinstance(value, list):
        return {where: type_ for part in value for where, type_ in _shape(part, f"{place}[]").items()}
    return {place: type(value).__name__}


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("'", "''")
    if text.isprintable():
        return f"'{text}'"
    for character, written in {"\\": r"\\", "\r": r"\r", "\n": r"\n", "\t": r"\t"}.items():  # one row per line
        text = text.replace(character, written)
    return f"E'{text}'"


def main() -> None:
    """Sync one day from the sandbox and write it as SQL."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version")
    version = parser.parse_args().version
    os.environ[CLOCK_VARIABLE] = DAY_ONE.isoformat()
    with tempfile.TemporaryDirectory() as folder, Sandbox(accounts=ACCOUNTS, now=DAY_ONE) as sandbox:
        database = Path(folder) / "history.duckdb"
        sync(config(sandbox), database)
        SCHEMA_VERSIONS.mkdir(exist_ok=True)
        (SCHEMA_VERSIONS / f"{version}.sql").write_text(as_sql(database), encoding="utf-8")


if __name__ == "__main__":
    main()
