"""Build the SQL of the views for BI from the templates beside this module.

The views implement the rules of `oneup_pinterest.history` a second time, because a BI tool runs no Polars.
`unit_tests/database/test_bi_views.py` holds both to the same numbers and thresholds.
"""

import re
from collections.abc import Collection, Mapping
from importlib.resources import files

from oneup_pinterest.database.invalid_values import FIRST_DAY
from oneup_pinterest.database.schema import COUNTERS, EXTRACTED_AT, PIN_COUNTERS, STREAMS, TABLES

RATES = ("saves", "comments", "repins", "clicks")  # per impression
MAX_IMPRESSIONS = 10**12

# the names are those of the constants in `oneup_pinterest.history`, without an underscore in front
THRESHOLDS: Mapping[str, float] = {
    "MAX_COUNT": 2**53,
    "MAX_PER_IMPRESSION": 10,
    "MIN_EXCESS": 100,
    "MIN_PINS_OF_EVENT": 3,
    "MAX_SPIKE_OBSERVATIONS": 3,
    "MAX_RECENT_DAYS": 3,
    "RESET_BELOW": 0.5,
    "EVENT_SHARE": 0.5,
    "SMALL_COUNT": 2,
    "SMALL_SHARE": 0.02,
    "BACK_SHARE": 0.8,
    "MIN_UNUSUAL_RISE": 20,
    "STANDS_OUT": 3,
    "SURELY_STANDS_OUT": 10,
    "MIN_EARLIER_SNAPSHOTS": 2,
    "PROVISIONAL_DAYS": 2,
    "YOUNGEST": 7,
    "EVENTS": 0.05,
    "MANY": 0.1,
    "FALLS": 3,
    "FALLING_DAYS": 3,
    "FALLING_SHARE": 0.05,
    "SURELY": 2.33,
    "MIN_MOVES": 20,
    "ZERO_BELOW": 10,
}
_PASSES = ("dropped_zeros", "spikes", "spikes", "dips")  # a second pass finds spikes next to other spikes
_FACTS: Mapping[str, str] = {
    "FIRST_DAY": f"DATE '{FIRST_DAY}'",
    "KEPT_SHARE": repr(1 - THRESHOLDS["SMALL_SHARE"]) + "e0",
    **{name: repr(value) if isinstance(value, int) else f"{value!r}e0" for name, value in THRESHOLDS.items()},
}  # the exponent makes a DOUBLE of what would be a DECIMAL


def bi_views(tables: Collection[str]) -> dict[str, str]:
    """Return the query of each view for BI, in the order of creation, for a file that has these tables.

    A view over tables that the file lacks has no rows, or nulls in their columns.
    """
    names = _template("accounts", stored=_stored("accounts", tables))
    followers = _template("followers", stored=_stored("account_followers", tables))
    chosen_days = [_chosen_day("all", 2 ** len(COUNTERS) - 1)]
    chosen_days += [_chosen_day(counter, _bits(counter)) for counter in RATES]
    queries = {
        "account_daily": _template(
            "account_daily",
            gains=", ".join(
                f"max(gain) FILTER (WHERE metric = {number}) AS {name}" for number, name in enumerate(COUNTERS, 1)
            ),
            counters=", ".join(COUNTERS),
            accounts=names,
            followers=followers,
        ),
        "pin_daily_gains": _template("pin_daily_gains", names=list(COUNTERS)),
        "pin_performance": _template(
            "pin_performance",
            chosen_days=", ".join(chosen_days),
            accounts=names,
            counters=", ".join(f"shown.{name}" for name in COUNTERS),
            rates=", ".join(map(_rate, RATES)),
            rate_joins=" ".join(map(_rate_join, RATES)),
        ),
    }
    core = _core(tables)
    views = {}
    for name, query in queries.items():
        # a final part that begins with CTEs of its own continues the list; one that is a SELECT ends it
        glue = " " if query.lstrip().startswith("SELECT") else ",\n"
        views[name] = f"WITH {core}{glue}{query}"
    sums = ", ".join(f"sum({name}) AS {name}" for name in COUNTERS)
    views["account_weekly"] = _template("account_weekly", sums=sums)
    return views


def _core(tables: Collection[str]) -> str:
    """Return the CTEs that all views share: observations, counter types and daily gains."""
    metrics = " UNION ALL ".join(
        f"SELECT {number}::TINYINT AS metric, account, pin, day, published, {name} AS value FROM rows"
        for number, name in enumerate(COUNTERS, 1)
    )
    dated = [PIN_COUNTERS, *(name for name in STREAMS if name != "pins" and name in tables)]
    parts = [
        _template(
            "observations",
            metrics=metrics,
            extractions=" UNION ALL ".join(f"SELECT {EXTRACTED_AT} AS extracted FROM {name}" for name in dated),
            row_columns="pin, account, counters.pin_key, counters.snapshot_date AS day, published, "
            + ", ".join(f"counters.{name}" for name in COUNTERS),
        )
    ]
    for number, name in enumerate(_PASSES):
        parts += [_template("classified", n=number), _glitches(name, number), _without_marked(number)]
    last = len(_PASSES)
    parts += [_template("classified", n=last), _template("steps", n=last)]
    return ",\n".join([*parts, _template("counter_types"), _template("gains")])


def _glitches(name: str, number: int) -> str:
    reach = 2 * int(THRESHOLDS["MAX_SPIKE_OBSERVATIONS"]) + 1
    ago = ", ".join(_value_at(f"{back} PRECEDING") for back in range(1, reach + 1))
    following = ", ".join(_value_at(f"{place} FOLLOWING") for place in range(1, reach // 2 + 1))
    return _template(name, n=number, ago=ago, next=following)


def _value_at(place: str) -> str:
    """Return SQL for the value at another row of the window.

    DuckDB 1.5 cannot read a `lag` or `lead` with an offset in a view that DuckDB 2.0 has stored.
    """
    return f"first_value(v) OVER (pin_days ROWS BETWEEN {place} AND {place})"


def _without_marked(number: int) -> str:
    columns = "metric, account, pin, day, published, can_be_new, value"
    return (
        f"credible_{number + 1} AS (SELECT {columns} FROM steps_{number} ANTI JOIN marked_{number} "
        "USING (metric, pin, place))"
    )


def _stored(table: str, tables: Collection[str]) -> str:
    """Return the table, or an empty one with its columns where the file lacks it."""
    if table in tables:
        return table
    nulls = ", ".join(f"NULL::{kind} AS {name}" for name, kind in TABLES[table].columns.items())
    return f"(SELECT {nulls} WHERE false)"


def _bits(counter: str) -> int:
    """Return the bits of the impressions and of another counter, as `credible_days` has them."""
    return 1 | 1 << COUNTERS.index(counter)


def _chosen_day(name: str, bits: int) -> str:
    return f"max(day) FILTER (WHERE (credible_days.counters & {bits}) = {bits}) AS day_of_{name}"


def _rate(counter: str) -> str:
    """Return SQL for a counter per impression; null where `history.pin_rates.pin_rates` has none, or a reason."""
    row, kind = f"row_of_{counter}", f"type_of_{counter}"
    return (
        f"CASE WHEN {row}.impressions BETWEEN 1 AND {MAX_IMPRESSIONS} "
        f"AND {row}.{counter} BETWEEN 0 AND {row}.impressions "
        f"AND (chosen.day_of_{counter} IS NOT NULL OR (chosen.rising & {_bits(counter)}) = 0) "
        f"AND coalesce(shown_type.counter_type = 'rolling', false) = coalesce({kind}.counter_type = 'rolling', false) "
        f"THEN {row}.{counter} / {row}.impressions END AS {counter}_rate"
    )


def _rate_join(counter: str) -> str:
    row, kind = f"row_of_{counter}", f"type_of_{counter}"
    return (
        f"JOIN rows AS {row} ON {row}.pin = newest.pin "
        f"AND {row}.day = coalesce(chosen.day_of_{counter}, chosen.last_seen) "
        f"LEFT JOIN types AS {kind} ON {kind}.account = newest.account "
        f"AND {kind}.metric = {COUNTERS.index(counter) + 1}"
    )


def _template(name: str, **values: object) -> str:
    """Return the SQL of a template with its values, thresholds and other facts."""
    text = files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    given = {**_FACTS, **{key: str(value) for key, value in values.items()}}
    return re.sub(r"\{(\w+)\}", lambda match: given[match[1]], text).strip()
