"""How a batch takes the place of stored rows: by key, column by column, and without loss of what was known."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.schema import EXTRACTED_AT, OTHER_FIELDS, quoted

SAME_READ = "INTERVAL 15 MINUTES"  # rows of one period that lie further apart are of two reads
PARTS_OF_A_PERIOD = ("key", "ranking", "position")  # the rest of such a key is what is replaced as a whole
SAME_ENTRY = (  # of a list: the pin at a position is the one that was there before
    "CASE WHEN new.id IS NOT NULL AND stored.id IS NOT NULL THEN new.id = stored.id "
    "ELSE coalesce(new.permalink = stored.permalink, true) AND coalesce(new.text = stored.text, true) END"
)


class Merged(NamedTuple):
    """What became of a batch: how many of its rows are new, and what of the file they did not replace.

    `kept` is column → number of values that stayed because the new row has null there; `only_zeros` is the number of
    rows that stayed because the new ones have zeros in place of all their figures.
    """

    new_rows: int
    kept: Mapping[str, int] = {}
    only_zeros: int = 0


class Merging:
    """Writes temporary tables of rows, of which each key is there once, into one table.

    The last row of a key wins, with two exceptions: null replaces no value, and rows in which all figures are zero
    replace none with figures, because a connection that has to be renewed answers so.

    Where the key has PARTS_OF_A_PERIOD, a period is replaced as a whole: when it comes for the first time, its rows of
    an earlier sync go, also those whose key does not come again. A period may be cut in two by the end of a batch.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: str, key: Sequence[str], figures: Iterable[str]
    ) -> None:
        self._connection = connection
        self._table = table
        self._key = list(key)
        self._scope = [name for name in key if name not in PARTS_OF_A_PERIOD]
        self.is_whole = len(self._scope) < len(self._key)
        self.is_list = "position" in key
        self._figures = [] if self.is_list else list(figures)
        self._earlier: list[str] = []  # the columns of the temporary table `earlier …`, once there is one

    def write(self, batch: str, stored: Iterable[str], where: str = "true") -> Merged:
        """Write a temporary table inside the open transaction.

        Args:
            batch: The name of the temporary table.
            stored: The columns of the table in the file.
            where: A condition on rows `stored` that holds for all which can have a key of the batch.
        """
        if self.is_whole:
            self._find_fresh(batch)
        there = self._count(
            f"CREATE OR REPLACE TEMP TABLE before AS SELECT stored.* FROM {quoted(self._table)} AS stored "
            f"SEMI JOIN {batch} AS new ON {_same(self._scope)} WHERE {where}"
        )
        if not there and not self._earlier:
            return Merged(self._count(f"INSERT INTO {quoted(self._table)} BY NAME SELECT * FROM {batch} ORDER BY ALL"))
        comes_again = f"EXISTS (FROM {batch} AS new WHERE {_same(self._key)})"
        if self.is_whole:  # rows of a period that came before in this run belong to the same answer
            is_fresh = f"EXISTS (FROM fresh AS new WHERE {_same(self._scope)})"
            self._connection.execute(f"DELETE FROM before AS stored WHERE NOT {comes_again} AND NOT {is_fresh}")
        self._connection.execute(
            f"DELETE FROM {quoted(self._table)} AS stored USING before AS new WHERE {_same(self._key)}"
        )
        if self.is_whole:
            self._set_aside(comes_again, list(stored))
        return self._insert(batch, list(stored))

    def rolled_back(self) -> None:
        """The transaction is undone, and with it the temporary tables that it made."""
        self._earlier = []

    def new_read(self) -> None:
        """Begin another read, which replaces periods that came before in this run, too."""
        self._earlier = []
        self._connection.execute(f"DROP TABLE IF EXISTS {quoted(f'replaced {self._table}')}")

    def take_reads(self, batch: str, reads_start: bool) -> None:
        """Remove rows of an earlier read than the one that the file or the batch has of their period.

        Args:
            batch: The name of a temporary table with rows that were extracted at different times.
            reads_start: Whether `new_read` was called where a read began. If not, the times alone tell reads apart.
        """
        scope, replaced = ", ".join(map(quoted, self._scope)), quoted(f"replaced {self._table}")
        self._connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {replaced} (scope UBIGINT)")
        newest = f"SELECT {scope}, max({EXTRACTED_AT}) AS newest FROM {{}} GROUP BY ALL"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE reads AS SELECT {scope}, new.newest, stored.newest AS stored "
            f"FROM ({newest.format(batch)}) AS new LEFT JOIN ({newest.format(quoted(self._table))}) AS stored "
            f"USING ({scope})"
        )
        if reads_start:
            is_older = f"new.stored >= new.newest AND hash({_listed(self._scope, 'new')}) NOT IN (FROM {replaced})"
        else:
            is_older = f"stored.{EXTRACTED_AT} < greatest(new.newest, new.stored) - {SAME_READ}"
            self._connection.execute(
                f"DELETE FROM {replaced} WHERE scope IN (SELECT hash({scope}) FROM reads)"  # decided by times alone
            )
            self._connection.execute(
                f"INSERT INTO {replaced} SELECT hash({scope}) FROM reads WHERE newest <= stored + {SAME_READ}"
            )
        self._connection.execute(
            f"DELETE FROM {batch} AS stored USING reads AS new WHERE {_same(self._scope)} AND {is_older}"
        )

    def _find_fresh(self, batch: str) -> None:
        """Make the table `fresh`: the batch's periods that come for the first time in this run."""
        scope, replaced = ", ".join(map(quoted, self._scope)), quoted(f"replaced {self._table}")
        self._connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {replaced} (scope UBIGINT)")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT DISTINCT {scope} FROM {batch} "
            f"WHERE hash({scope}) NOT IN (FROM {replaced})"
        )
        self._connection.execute(f"INSERT INTO {replaced} SELECT hash({scope}) FROM fresh")

    def _set_aside(self, comes_again: str, stored: list[str]) -> None:
        """Keep the rows that this batch does not bring again for the next one, which may: only its nulls need them."""
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

    def _insert(self, batch: str, stored: list[str]) -> Merged:
        """Insert the batch; where `before` has a row of the same key, each column gets what is known."""
        arriving = {str(column[0]) for column in self._execute(f"SELECT * FROM {batch} LIMIT 0").description or ()}
        values = [name for name in stored if name not in self._key and name != EXTRACTED_AT]
        poor_rows = self._find_poor(batch, [name for name in self._figures if name in arriving])
        is_poor = "poor.n IS NOT NULL" if poor_rows else "false"
        poor = f"LEFT JOIN poor ON {_same(self._scope, 'poor')}" if poor_rows else ""
        same, same_entry = _same(self._key), SAME_ENTRY if self.is_list else "true"
        is_told = " OR ".join(f"new.{quoted(name)} IS NOT NULL" for name in values if name in arriving)
        # an account that the config names comes as its id alone: no answer, so that there is nothing to report
        counted = (
            f"NOT ({is_poor}) AND {same_entry} AND ({is_told if self._table == 'accounts' and is_told else 'true'})"
        )
        counts = [f"count(*) FILTER (WHERE {counted} AND {_is_kept(name, name in arriving)})" for name in values]
        ((replaced, only_zeros, *kept),) = self._execute(
            f"SELECT count(*), count(*) FILTER (WHERE {is_poor}), {', '.join(counts or ['0'])} "
            f"FROM {batch} AS new JOIN before AS stored ON {same} {poor}"
        ).fetchall()
        columns = [f"new.{quoted(name)}" for name in (*self._key, EXTRACTED_AT)]
        columns += [f"{_known(name, name in arriving, is_poor)} AS {quoted(name)}" for name in values]
        inserted = self._count(
            f"INSERT INTO {quoted(self._table)} BY NAME SELECT {', '.join(columns)} "
            f"FROM {batch} AS new LEFT JOIN before AS stored ON {same} AND {same_entry} {poor} ORDER BY ALL"
        )
        found = {name: count for name, count in zip(values, kept, strict=False) if count}
        return Merged(inserted - replaced, found, only_zeros)

    def _find_poor(self, batch: str, figures: Sequence[str]) -> int:
        """Make the table `poor`: rows or whole periods with nothing but zeros in place of stored figures."""
        if not figures:
            return 0
        is_zero = " AND ".join(f"coalesce({quoted(name)}, 0) = 0" for name in figures)
        is_told = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in figures)
        is_figure = " OR ".join(f"coalesce({quoted(name)}, 0) <> 0" for name in figures)
        scope = ", ".join(map(quoted, self._scope))
        fresh = f"SEMI JOIN fresh USING ({scope})" if self.is_whole else ""  # else it may be the rest of a period
        return self._count(
            f"CREATE OR REPLACE TEMP TABLE poor AS SELECT {scope}, new.n FROM "
            f"(SELECT {scope}, count(*) AS n FROM {batch} {fresh} GROUP BY {scope} "
            f"HAVING bool_and({is_zero}) AND bool_or({is_told})) AS new "
            f"JOIN (SELECT {scope}, count(*) AS n FROM before GROUP BY {scope} HAVING bool_or({is_figure})) AS stored "
            f"USING ({scope}) WHERE new.n >= stored.n"
        )

    def _execute(self, statement: str) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(statement)

    def _count(self, statement: str) -> int:
        row = self._connection.execute(statement).fetchone()
        return int(row[0]) if row else 0


def _listed(columns: Iterable[str], table: str) -> str:
    return ", ".join(f"{table}.{quoted(name)}" for name in columns)


def _same(columns: Iterable[str], table: str = "stored") -> str:
    return " AND ".join(f"{table}.{quoted(name)} = new.{quoted(name)}" for name in columns)


def _known(name: str, is_arriving: bool, is_poor: str) -> str:
    """SQL for what is known of a column: the new value, else the stored one; of a poor row the other way round."""
    new, stored = f"new.{quoted(name)}", f"stored.{quoted(name)}"
    if not is_arriving:
        return stored
    if name == OTHER_FIELDS:  # field by field
        fields = "to_json(map_concat({}::MAP(VARCHAR, JSON), {}::MAP(VARCHAR, JSON)))"
        both = f"CASE WHEN {is_poor} THEN {fields.format(new, stored)} ELSE {fields.format(stored, new)} END"
        return f"CASE WHEN {new} IS NOT NULL AND {stored} IS NOT NULL THEN {both} ELSE coalesce({new}, {stored}) END"
    if is_poor == "false":
        return f"coalesce({new}, {stored})"
    return f"CASE WHEN {is_poor} THEN coalesce({stored}, {new}) ELSE coalesce({new}, {stored}) END"


def _is_kept(name: str, is_arriving: bool) -> str:
    """SQL: whether a stored value stays because the new row has none."""
    stored = f"stored.{quoted(name)}"
    if not is_arriving:
        return f"{stored} IS NOT NULL"
    is_none = f"new.{quoted(name)} IS NULL"
    if name == OTHER_FIELDS:
        is_none += f" OR NOT list_has_all(json_keys(new.{quoted(name)}), json_keys({stored}))"
    return f"{stored} IS NOT NULL AND ({is_none})"
