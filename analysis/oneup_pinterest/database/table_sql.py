"""SQL expressions that read the columns of a stored table as the types of `TABLES`."""

from oneup_pinterest.database.column_types import NUMBER, TEXT
from oneup_pinterest.database.schema import TableSchema, quoted
from oneup_pinterest.database.stored_tables import StoredTable

_OPTIONAL_KEY_COLUMNS = ("preset",)  # a key column that may be null


def qualified_name(database: str, table: StoredTable) -> str:
    """Return a table's full name; under its short name a view would find itself."""
    return f"{quoted(database)}.{quoted(table.schema)}.{quoted(table.name)}"


def cast_column(relation: TableSchema, table: StoredTable, column: str) -> str:
    """Return a column as its type in the schema; a value that cannot be cast is null, and so is NaN."""
    stored, kind = quoted(table.columns[column]), relation.columns[column]
    cast = stored if table.types[column] == kind else f"TRY_CAST({stored} AS {kind})"
    return f"CASE WHEN isfinite({cast}) THEN {cast} END" if kind == NUMBER else cast


def required_columns(relation: TableSchema, table: StoredTable) -> list[str]:
    """Return the key columns that a row must have."""
    return [name for name in relation.key if name in table.columns and name not in _OPTIONAL_KEY_COLUMNS]


def is_unreadable(relation: TableSchema, table: StoredTable, column: str) -> str:
    """Return whether a value is given, but is not of its type."""
    return f"{is_given(relation, table, column)} AND {cast_column(relation, table, column)} IS NULL"


def is_given(relation: TableSchema, table: StoredTable, column: str) -> str:
    """Return whether a value is given; a blank text in place of another type is not."""
    stored = quoted(table.columns[column])
    blank = table.types[column] == TEXT and relation.columns[column] != TEXT
    return f"coalesce(trim({stored}) <> '', false)" if blank else f"{stored} IS NOT NULL"
