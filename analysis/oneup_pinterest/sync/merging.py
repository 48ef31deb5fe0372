"""Merge a batch into a stored table: by key, column by column, without losing known values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.schema import EXTRACTED_AT, OTHER_FIELDS, quoted

SAME_READ = "INTERVAL 15 MINUTES"  # rows of one period that lie further apart belong to two reads
PARTS_OF_A_PERIOD = ("key", "ranking", "position")  # key columns within a period, which is replaced as a whole
SAME_ENTRY = (  # SQL: a position of a ranking still has the same pin
    "CASE WHEN new.id IS NOT NULL AND stored.id IS NOT NULL THEN new.id = stored.id "
    "ELSE coalesce(new.permalink = stored.permalink, true) AND coalesce(new.text = stored.text, true) END"
)


class MergeResult(NamedTuple):
    """How many rows of a batch are new, and which stored values they did not replace."""

    new_rows: int
    kept: Mapping[str, int] = {}  # column → number of values that stayed because the new row has null there
    only_zeros: int = 0  # rows that stayed because the new ones have only zeros instead of figures


class RowMerger:
    """Merge temporary tables with unique keys into one table.

    The last row of a key wins, with two exceptions: null replaces no value, and rows with only zeros replace no rows
    with figures, because OneUp sends zeros for an account whose connection has expired.

    If the key has PARTS_OF_A_PERIOD, a period is replaced as a whole: at its first row in a run, all its rows of an
    earlier sync are deleted, even if their key does not come again. A period may be split between two batches.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: str, key: Sequence[str], figures: Iterable[str]
    ) -> None:
        self._connection = connection
        self._table = table
        self._key = list(key)
        self._scope = [name for name in key if name not in PARTS_OF_A_PERIOD]
        self.replaces_periods = len(self._scope) < len(self._key)
        self.is_list = "position" in key
        self._figures = [] if self.is_list else list(figures)
        self._earlier: list[str] = []  # columns of the temporary table `earlier …`, if it exists

    def merge(self, batch: str, stored: Iterable[str], where: str = "true") -> MergeResult:
        """Merge a temporary table inside the open transaction.

        Args:
            batch: The name of the temporary table.
            stored: The columns of the table in the file.
            where: A condition on `stored` that all rows with a key of the batch meet.
        """
        if self.replaces_periods:
            self._find_new_periods(batch)
        stored_rows = self._count(
            f"CREATE OR REPLACE TEMP TABLE before AS SELECT stored.* FROM {quoted(self._table)} AS stored "
            f"SEMI JOIN {batch} AS new ON {_same(self._scope)} WHERE {where}"
        )
        if not stored_rows and not self._earlier:
            return MergeResult(
                self._count(f"INSERT INTO {quoted(self._table)} BY NAME SELECT * FROM {batch} ORDER BY ALL")
            )
        comes_again = f"EXISTS (FROM {batch} AS new WHERE {_same(self._key)})"
        if self.replaces_periods:  # rows of the period from an earlier batch of this run belong to the same response
            is_new_period = f"EXISTS (FROM new_periods AS new WHERE {_same(self._scope)})"
            self._connection.execute(f"DELETE FROM before AS stored WHERE NOT {comes_again} AND NOT {is_new_period}")
        self._connection.execute(
            f"DELETE FROM {quoted(self._table)} AS stored USING before AS new WHERE {_same(self._key)}"
        )
        if self.replaces_periods:
            self._keep_for_next_batch(comes_again, list(stored))
        return self._insert(batch, list(stored))

    def on_rollback(self) -> None:
        """Forget the temporary tables that the transaction created."""
        self._earlier = []

    def start_read(self) -> None:
        """Begin another read, which also replaces periods that came earlier in this run."""
        self._earlier = []
        self._connection.execute(f"DROP TABLE IF EXISTS {quoted(f'replaced {self._table}')}")

    def drop_outdated_reads(self, batch: str, has_read_starts: bool) -> None:
        """Remove rows from a batch if the file or the batch has a later read of their period.

        Args:
            batch: The name of a temporary table with rows that were extracted at different times.
            has_read_starts: Whether `start_read` was called at the start of each read. If not, only the times
                separate reads.
        """
        scope, replaced = ", ".join(map(quoted, self._scope)), quoted(f"replaced {self._table}")
        self._connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {replaced} (scope UBIGINT)")
        newest = f"SELECT {scope}, max({EXTRACTED_AT}) AS newest FROM {{}} GROUP BY ALL"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE reads AS SELECT {scope}, new.newest, stored.newest AS stored "
            f"FROM ({newest.format(batch)}) AS new LEFT JOIN ({newest.format(quoted(self._table))}) AS stored "
            f"USING ({scope})"
        )
        if has_read_starts:
            is_older = f"new.stored >= new.newest AND hash({_columns(self._scope, 'new')}) NOT IN (FROM {replaced})"
        else:
            is_older = f"stored.{EXTRACTED_AT} < greatest(new.newest, new.stored) - {SAME_READ}"
            self._connection.execute(
                f"DELETE FROM {replaced} WHERE scope IN (SELECT hash({scope}) FROM reads)"  # the times decide
            )
            self._connection.execute(
                f"INSERT INTO {replaced} SELECT hash({scope}) FROM reads WHERE newest <= stored + {SAME_READ}"
            )
        self._connection.execute(
            f"DELETE FROM {batch} AS stored USING reads AS new WHERE {_same(self._scope)} AND {is_older}"
        )

    def _find_new_periods(self, batch: str) -> None:
        """Create the table `new_periods`: the periods of the batch that come for the first time in this run."""
        scope, replaced = ", ".join(map(quoted, self._scope)), quoted(f"replaced {self._table}")
        self._connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {replaced} (scope UBIGINT)")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE new_periods AS SELECT DISTINCT {scope} FROM {batch} "
            f"WHERE hash({scope}) NOT IN (FROM {replaced})"
        )
        self._connection.execute(f"INSERT INTO {replaced} SELECT hash({scope}) FROM new_periods")

    def _keep_for_next_batch(self, comes_again: str, stored: list[str]) -> None:
        """Keep replaced rows whose key may come in the next batch, in case it has nulls where they have values."""
        earlier = quoted(f"earlier {self._table}")
        if self._earlier:
            self._connection.execute(
                f"INSERT INTO before BY NAME SELECT * FROM {earlier} AS stored "
                f"WHERE {comes_again} AND NOT EXISTS (FROM before AS new WHERE {_same(self._key)})"
            )
        columns = self._earlier or stored
        left = f"SELECT {', '.join(map(quoted, columns))} FROM before AS stored WHERE NOT {comes_again}"
        if self._earlier:
            self._connection.execute(f"INSERT INTO {earlier} BY NAME {left}")
        elif self._count(f"CREATE OR REPLACE TEMP TABLE {earlier} AS {left}"):
            self._earlier = columns

    def _insert(self, batch: str, stored: list[str]) -> MergeResult:
        """Insert the batch; if `before` has a row of the same key, its values fill the nulls."""
        arriving = {str(column[0]) for column in self._execute(f"SELECT * FROM {batch} LIMIT 0").description or ()}
        values = [name for name in stored if name not in self._key and name != EXTRACTED_AT]
        zero_rows = self._find_only_zeros(batch, [name for name in self._figures if name in arriving])
        is_zeros = "zeros.n IS NOT NULL" if zero_rows else "false"
        zeros = f"LEFT JOIN zeros ON {_same(self._scope, 'zeros')}" if zero_rows else ""
        same, same_entry = _same(self._key), SAME_ENTRY if self.is_list else "true"
        has_value = " OR ".join(f"new.{quoted(name)} IS NOT NULL" for name in values if name in arriving)
        # an account that the config names comes as its id alone, without a response to report on
        is_response = has_value if self._table == "accounts" and has_value else "true"
        counted = f"NOT ({is_zeros}) AND {same_entry} AND ({is_response})"
        counts = [f"count(*) FILTER (WHERE {counted} AND {_is_kept(name, name in arriving)})" for name in values]
        ((replaced, only_zeros, *kept),) = self._execute(
            f"SELECT count(*), count(*) FILTER (WHERE {is_zeros}), {', '.join(counts or ['0'])} "
            f"FROM {batch} AS new JOIN before AS stored ON {same} {zeros}"
        ).fetchall()
        columns = [f"new.{quoted(name)}" for name in (*self._key, EXTRACTED_AT)]
        columns += [f"{_known(name, name in arriving, is_zeros)} AS {quoted(name)}" for name in values]
        inserted = self._count(
            f"INSERT INTO {quoted(self._table)} BY NAME SELECT {', '.join(columns)} "
            f"FROM {batch} AS new LEFT JOIN before AS stored ON {same} AND {same_entry} {zeros} ORDER BY ALL"
        )
        found = {name: count for name, count in zip(values, kept, strict=False) if count}
        return MergeResult(inserted - replaced, found, only_zeros)

    def _find_only_zeros(self, batch: str, figures: Sequence[str]) -> int:
        """Create the table `zeros`: rows or whole periods with only zeros instead of stored figures."""
        if not figures:
            return 0
        is_zero = " AND ".join(f"coalesce({quoted(name)}, 0) = 0" for name in figures)
        is_known = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in figures)
        is_figure = " OR ".join(f"coalesce({quoted(name)}, 0) <> 0" for name in figures)
        scope = ", ".join(map(quoted, self._scope))
        # the rest of a split period may have only zeros by chance
        new_periods = f"SEMI JOIN new_periods USING ({scope})" if self.replaces_periods else ""
        return self._count(
            f"CREATE OR REPLACE TEMP TABLE zeros AS SELECT {scope}, new.n FROM "
            f"(SELECT {scope}, count(*) AS n FROM {batch} {new_periods} GROUP BY {scope} "
            f"HAVING bool_and({is_zero}) AND bool_or({is_known})) AS new "
            f"JOIN (SELECT {scope}, count(*) AS n FROM before GROUP BY {scope} HAVING bool_or({is_figure})) AS stored "
            f"USING ({scope}) WHERE new.n >= stored.n"
        )

    def _execute(self, statement: str) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(statement)

    def _count(self, statement: str) -> int:
        row = self._connection.execute(statement).fetchone()
        return int(row[0]) if row else 0


def _columns(columns: Iterable[str], table: str) -> str:
    return ", ".join(f"{table}.{quoted(name)}" for name in columns)


def _same(columns: Iterable[str], table: str = "stored") -> str:
    return " AND ".join(f"{table}.{quoted(name)} = new.{quoted(name)}" for name in columns)


def _known(name: str, is_arriving: bool, is_zeros: str) -> str:
    """Return SQL for the known value of a column: new, else stored; the other way round if `is_zeros`."""
    new, stored = f"new.{quoted(name)}", f"stored.{quoted(name)}"
    if not is_arriving:
        return stored
    if name == OTHER_FIELDS:  # field by field
        fields = "to_json(map_concat({}::MAP(VARCHAR, JSON), {}::MAP(VARCHAR, JSON)))"
        both = f"CASE WHEN {is_zeros} THEN {fields.format(new, stored)} ELSE {fields.format(stored, new)} END"
        return f"CASE WHEN {new} IS NOT NULL AND {stored} IS NOT NULL THEN {both} ELSE coalesce({new}, {stored}) END"
    if is_zeros == "false":
        return f"coalesce({new}, {stored})"
    return f"CASE WHEN {is_zeros} THEN coalesce({stored}, {new}) ELSE coalesce({new}, {stored}) END"


def _is_kept(name: str, is_arriving: bool) -> str:
    """Return SQL for whether a stored value stays because the new row has none."""
    stored = f"stored.{quoted(name)}"
    if not is_arriving:
        return f"{stored} IS NOT NULL"
    is_missing = f"new.{quoted(name)} IS NULL"
    if name == OTHER_FIELDS:
        is_missing += f" OR NOT list_has_all(json_keys(new.{quoted(name)}), json_keys({stored}))"
    return f"{stored} IS NOT NULL AND ({is_missing})"
