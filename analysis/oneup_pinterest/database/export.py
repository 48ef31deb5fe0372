"""Export a database as Parquet files: one folder per table."""

from contextlib import suppress
from pathlib import Path

from oneup_pinterest.database.reader import Database, open_history
from oneup_pinterest.database.schema import TABLES, quoted
from oneup_pinterest.errors import UserError


def export_parquet(database: Database, output_dir: str | Path) -> dict[str, int]:
    """Write each table to `<output_dir>/<table>/<table>.parquet`, and return the number of rows per table.

    The files have the columns and types of `database.load`, and further fields that the API has added. Rows are sorted
    by key, and compressed with zstd. A table that the database lacks becomes a file without rows. Each file is replaced
    only once the new one is complete.

    Raises:
        UserError: as `open_history`, or `output_dir` (or a folder in it) is a file or cannot be written.

    >>> import duckdb, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with duckdb.connect(folder + "/history.duckdb") as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> export_parquet(folder + "/history.duckdb", folder + "/export")["accounts"]
    1
    >>> [path.name for path in Path(folder, "export", "accounts").iterdir()]
    ['accounts.parquet']
    """
    output = Path(output_dir)
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file: name a folder with --output.", 2)
    rows: dict[str, int] = {}
    with open_history(database) as history:
        for name, relation in TABLES.items():
            target = output / name / f"{name}.parquet"
            unfinished = target.with_name(target.name + ".tmp")
            order = ", ".join(map(quoted, relation.key))
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                ((rows[name],),) = history.execute(
                    f"COPY (SELECT * FROM {quoted(name)} ORDER BY {order}) TO {_literal(unfinished)} "
                    "(FORMAT parquet, COMPRESSION zstd)"
                ).fetchall()
                unfinished.replace(target)
            except OSError as error:
                raise UserError(f"{error.filename or output} cannot be written: {error.strerror}.") from None
            finally:
                with suppress(OSError):
                    unfinished.unlink()
    return rows


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
