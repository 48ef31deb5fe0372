"""Name the parts of a change for people: whole counts that add up, and the few pins that made most of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

MIN_CHANGE = 0.5  # counts: a smaller one is only the fraction of a gain spread over a gap
FEW_PINS = 5  # if so few pins make half of a change, they are named
PARTS = ("from_number", "from_mean", "from_older")


class FewPins(NamedTuple):
    """The fewest pins that made at least half of a change.

    - pins: their rows of `largest_parts`
    - difference: their part, a count; share: of the whole change, in percent (above 100 if the others went the other
      way)
    - without: change of all other pins, in percent; None where they had gained nothing before
    """

    pins: pl.DataFrame
    difference: float
    share: float
    without: float | None


def few_pins(parts: pl.DataFrame, before: float, now: float) -> FewPins | None:
    """Return the few pins (at most 5) behind at least half of a change; None where there are none.

    `parts` are the rows of `largest_parts`, `before` and `now` the sums over all pins.

    >>> parts = pl.DataFrame({"id": ["1", "2", "3"], "before": [0.0, 40, 60], "now": [90.0, 50, 60],
    ...     "difference": [90.0, 10, 0]})
    >>> found = few_pins(parts, 100.0, 200.0)
    >>> found.pins["id"].to_list(), found.difference, found.share, found.without
    (['1'], 90.0, 90.0, 10.000000000000009)
    """
    whole = now - before
    same = parts.filter(pl.col("difference") * whole > 0).head(FEW_PINS)
    reached = same.with_columns(sum=pl.col("difference").cum_sum()).filter(pl.col("sum").abs() >= abs(whole) / 2)
    if abs(whole) <= MIN_CHANGE or reached.is_empty():
        return None
    few = same.head(same.height - reached.height + 1)
    difference = float(few["difference"].sum())
    rest_before, rest_now = before - float(few["before"].sum()), now - float(few["now"].sum())
    without = (rest_now / rest_before - 1) * 100 if rest_before > 0 else None
    return FewPins(few, difference, difference / whole * 100, without)


def whole_parts(split: Mapping[str, Any]) -> dict[str, int]:
    """Return a row of `gain_split` in whole counts: before, now, and parts that add up to their difference exactly.

    Counts have fractions where gains are spread over gaps. The parts are rounded by largest remainder.

    >>> whole_parts({"before": 10.4, "now": 13.4, "from_number": 1.5, "from_mean": 1.3, "from_older": 0.2})
    {'before': 10, 'now': 13, 'from_number': 2, 'from_mean': 1, 'from_older': 0}
    """
    before, now = round(split["before"]), round(split["now"])
    floors = {name: int(split[name] // 1) for name in PARTS}
    missing = now - before - sum(floors.values())
    by_remainder = sorted(PARTS, key=lambda name: floors[name] - split[name])
    for place in range(abs(missing)):
        floors[by_remainder[place % len(PARTS) if missing > 0 else -1 - place % len(PARTS)]] += 1 if missing > 0 else -1
    return {"before": before, "now": now, **floors}
