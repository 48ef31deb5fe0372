"""Store pins in two tables, attributes and counters, with the views `pins` and `pins_latest` over them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from oneup_pinterest.database.column_types import MAX_EXACT_NUMBER, NUMERIC_TYPES, inferred_type
from oneup_pinterest.database.comments import RELATIONS, replace_view
from oneup_pinterest.database.schema import EXTRACTED_AT, OTHER_FIELDS, PIN_ATTRIBUTES, PIN_COUNTERS, quoted
from oneup_pinterest.sync.merging import MergeResult, RowMerger
from oneup_pinterest.sync.tables import StreamTable

STATS = "stats"  # a record's list of those undeclared fields that OneUp sent in the `stats` of the pin
SEEN = quoted("seen on")  # the space keeps it apart from every added column


class PinTables(StreamTable):
    """The tables of pins: attributes once per pin, counters once per pin and day, joined by an integer key.

    A day then takes about 6 bytes per pin (16 with the ids in every row), and `pins` is a view over both tables.
    """

    DAILY_COLUMNS = ("snapshot_date", "period_start", "period_end", OTHER_FIELDS)
    PIN_ID = "social_network_id, id"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._stats_fields: set[str] = set()  # undeclared fields that came in `stats`
        self._newest: date | None = None  # the newest day in the file, once known
        self._counter_merger = RowMerger(self._connection, PIN_COUNTERS, ("pin_key", "snapshot_date"), self.figures)

    def tables(self) -> dict[str, dict[str, str]]:
        daily = {name: kind for name, kind in self.declared.items() if self._is_daily(name, kind)}
        attributes = {name: kind for name, kind in self.declared.items() if name not in daily}
        return {
            PIN_ATTRIBUTES: {"pin_key": "INTEGER", **attributes},
            PIN_COUNTERS: {"pin_key": "INTEGER", **daily, EXTRACTED_AT: "TIMESTAMP"},
        }

    def table_of(self, column: str, kind: str) -> str:
        return PIN_COUNTERS if self._is_daily(column, kind) else PIN_ATTRIBUTES

    def _is_daily(self, column: str, kind: str) -> bool:
        return column in self.DAILY_COLUMNS or kind in NUMERIC_TYPES or column in self._stats_fields

    def create_views(self) -> None:
        stored = {**self._stored(PIN_ATTRIBUTES), **self._stored(PIN_COUNTERS)}
        if EXTRACTED_AT not in stored:  # the second table does not exist yet
            return
        del stored["pin_key"]
        added = [name for name in stored if name not in self.declared]
        columns = ", ".join(quoted(name) for name in (*self.declared, *added))
        joined = f"SELECT {columns} FROM {PIN_COUNTERS} JOIN {PIN_ATTRIBUTES} USING (pin_key)"
        newest = f"SELECT pin_key, max(snapshot_date) AS snapshot_date FROM {PIN_COUNTERS} GROUP BY pin_key"
        latest = f"{joined} SEMI JOIN ({newest}) AS newest USING (pin_key, snapshot_date)"
        for name, query in (("pins", joined), ("pins_latest", latest)):
            replace_view(self._connection, name, query, RELATIONS[name], stored)

    def relations(self) -> list[str]:
        return [*super().relations(), "pins", "pins_latest"]

    # ---- undeclared fields

    def _undeclared_fields(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        fields = super()._undeclared_fields(rows)
        if STATS not in fields:
            return fields
        lists = (row.get(STATS) for row in rows)
        self._stats_fields.update(name for names in lists if isinstance(names, list) for name in names)
        return [name for name in fields if name != STATS]

    def _common_type(self, column: str, stored: str, arriving: str, values: Sequence[Any]) -> str:
        if column not in self._stats_fields or self._table_with(column) == PIN_COUNTERS:
            return super()._common_type(column, stored, arriving, values)
        return self._make_daily(column, stored, arriving, values)

    def _make_daily(self, column: str, stored: str, arriving: str, values: Sequence[Any]) -> str:
        """Move a column of a 0.1.0 file from the attributes to the counters, and return its type.

        The known value of a pin goes to its newest day, when it was seen; as a number if all values are numbers.
        """
        attribute, kind = f"attributes.{quoted(column)}", ""
        if stored == "VARCHAR":
            digits = f"replace(rtrim(trim({attribute}), '% '), ',', '')"
            is_number = rf"regexp_full_match(trim({attribute}), '[+-]?(\d{{1,3}}(,\d{{3}})+|\d+)(\.\d+)?\s*%?')"
            number = f"TRY_CAST({digits} AS DOUBLE)"
            ((are_numbers, are_whole),) = self._connection.execute(
                f"SELECT bool_and({is_number} AND abs({number}) < {MAX_EXACT_NUMBER}), "
                f"bool_and({number} = trunc({number})) "
                f"FROM {PIN_ATTRIBUTES} AS attributes WHERE {attribute} IS NOT NULL"
            ).fetchall()
            if are_numbers and inferred_type([*filter(None, values), 0.5]) == "DOUBLE":
                attribute, kind = digits, "BIGINT" if are_whole and arriving == "BIGINT" else "DOUBLE"
        kind = kind or super()._common_type(column, stored, arriving, values)
        self._add_column(PIN_COUNTERS, column, kind)
        self._connection.execute(
            f"UPDATE {PIN_COUNTERS} AS counters SET {quoted(column)} = attribute.value FROM ("
            f"SELECT pin_key, max(snapshot_date) AS day, any_value({attribute}::{kind}) AS value "
            f"FROM {PIN_ATTRIBUTES} AS attributes JOIN {PIN_COUNTERS} USING (pin_key) "
            f"WHERE attributes.{quoted(column)} IS NOT NULL GROUP BY pin_key) AS attribute "
            "WHERE counters.pin_key = attribute.pin_key AND counters.snapshot_date = attribute.day"
        )
        self._drop_column(PIN_ATTRIBUTES, column)
        self.create_views()
        return kind

    # ---- rows

    def _merge(self) -> MergeResult:
        days = self._connection.execute("SELECT min(snapshot_date), max(snapshot_date) FROM batch").fetchone()
        if not days or days[0] is None:
            return MergeResult(0)
        arriving = [
            str(column[0]) for column in self._connection.execute("SELECT * FROM batch LIMIT 0").description or ()
        ]
        attributes = [name for name in arriving if name in self._stored(PIN_ATTRIBUTES)]
        changeable = [name for name in attributes if name not in self.key]
        self._find_pins(changeable, is_one_day=days[0] == days[1])
        if self._newest is None:
            row = self._connection.execute(f"SELECT max(snapshot_date) FROM {PIN_COUNTERS}").fetchone()
            self._newest = (row and row[0]) or days[0]
        kept = self._write_attributes(changeable, is_older=days[0] < self._newest)
        self._newest = max(self._newest, days[1])
        counters = ", ".join(quoted(name) for name in arriving if name not in attributes)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE batch_counters AS SELECT pin_key, {counters} FROM batch "
            f"JOIN known USING ({self.PIN_ID})"
        )
        # literal days and keys let DuckDB skip all other row groups
        ((first, last),) = self._connection.execute("SELECT min(pin_key), max(pin_key) FROM known").fetchall()
        within = (
            f"stored.snapshot_date BETWEEN DATE '{days[0]}' AND DATE '{days[1]}' "
            f"AND stored.pin_key BETWEEN {first} AND {last}"
        )
        merged = self._counter_merger.merge("batch_counters", self._stored(PIN_COUNTERS), within)
        return merged._replace(kept={**kept, **merged.kept})

    def _find_pins(self, changeable: Sequence[str], *, is_one_day: bool) -> None:
        """Create the table `batch_pins`: each pin of the batch once, with its newest attributes and newest day."""
        newest = [f"arg_max({quoted(name)}, snapshot_date) AS {quoted(name)}" for name in changeable]
        day = "snapshot_date" if is_one_day else "max(snapshot_date)"
        columns = ", ".join([self.PIN_ID, f"{day} AS {SEEN}", *(map(quoted, changeable) if is_one_day else newest)])
        grouped = "" if is_one_day else f" GROUP BY {self.PIN_ID}"
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE batch_pins AS SELECT {columns} FROM batch{grouped}")

    def _write_attributes(self, changeable: Sequence[str], *, is_older: bool) -> dict[str, int]:
        """Write the attributes and create the table `known`, the `pin_key` of each pin of the batch.

        If `is_older`, the file may have newer days of a pin, whose attributes then only fill gaps.

        Returns:
            Column → number of pins whose value stayed because the new one is null.
        """
        columns = ", ".join(f"count({quoted(name)})" for name in changeable)
        ((pins, *filled),) = self._connection.execute(f"SELECT count(*), {columns or '0'} FROM batch_pins").fetchall()
        gaps = [name for name, count in zip(changeable, filled, strict=False) if count < pins]
        newest_days = (
            f"LEFT JOIN (SELECT pin_key, max(snapshot_date) AS day FROM {PIN_COUNTERS} GROUP BY pin_key) AS last "
        )
        is_newest = f"coalesce(new.{SEEN} >= last.day, true)" if is_older else "true"
        is_changed = " OR ".join(
            f"(new.{quoted(name)} IS NOT NULL AND stored.{quoted(name)} IS DISTINCT FROM new.{quoted(name)} "
            f"AND ({is_newest} OR stored.{quoted(name)} IS NULL))"
            for name in changeable
        )
        is_kept = "".join(
            f", new.{quoted(name)} IS NULL AND stored.{quoted(name)} IS NOT NULL AS {quoted(name)}" for name in gaps
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE known AS SELECT {self.PIN_ID}, stored.pin_key, "
            f"{is_changed or 'false'} AS is_changed, {is_newest} AS is_newest{is_kept} "
            f"FROM batch_pins AS new JOIN {PIN_ATTRIBUTES} AS stored USING ({self.PIN_ID}) "
            + (f"{newest_days} ON stored.pin_key = last.pin_key" if is_older else "")
        )
        counts = "".join(f", count(*) FILTER (WHERE {quoted(name)})" for name in gaps)
        ((changed, *kept),) = self._connection.execute(
            f"SELECT count(*) FILTER (WHERE is_changed){counts} FROM known"
        ).fetchall()
        if changed:
            values = ", ".join(
                f"{quoted(name)} = CASE WHEN is_newest THEN coalesce(new.{quoted(name)}, stored.{quoted(name)}) "
                f"ELSE coalesce(stored.{quoted(name)}, new.{quoted(name)}) END"
                for name in changeable
            )
            self._connection.execute(
                f"UPDATE {PIN_ATTRIBUTES} AS stored SET {values} FROM (SELECT known.pin_key, is_newest, batch_pins.* "
                f"FROM batch_pins JOIN known USING ({self.PIN_ID}) WHERE is_changed) AS new "
                "WHERE stored.pin_key = new.pin_key"
            )
        last = self._count(f"SELECT coalesce(max(pin_key), 0) FROM {PIN_ATTRIBUTES}")
        self._connection.execute(
            f"INSERT INTO known BY NAME SELECT {self.PIN_ID}, {last} + row_number() OVER (ORDER BY {self.PIN_ID}) "
            f"AS pin_key FROM batch_pins ANTI JOIN known USING ({self.PIN_ID})"
        )
        self._connection.execute(
            f"INSERT INTO {PIN_ATTRIBUTES} BY NAME SELECT pin_key, batch_pins.* EXCLUDE ({SEEN}) "
            f"FROM batch_pins JOIN known USING ({self.PIN_ID}) WHERE pin_key > {last} ORDER BY pin_key"
        )
        return {name: count for name, count in zip(gaps, kept, strict=True) if count}
