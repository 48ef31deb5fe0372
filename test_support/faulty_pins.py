"""Random histories of pins, with every fault that the rules for gains know."""

from datetime import date, datetime, timedelta
from random import Random

import polars as pl

from oneup_pinterest.database.schema import COUNTERS, EXTRACTED_AT, TABLES

FIRST = date(2026, 1, 1)
PER_DAY = (60, 9, 1, 5, 7)  # at most, per counter


def faulty_pins(seed: int, accounts: int = 2) -> pl.DataFrame:
    """Return pins of several accounts with glitches, gaps, resets, restatements and windows that move on."""
    rng = Random(seed)
    rows = [row for number in range(accounts) for row in _account(rng, f"pin_{number}")]
    schema = {name: kind for name, kind in TABLES["pins"].schema.items() if name != EXTRACTED_AT}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _account(rng: Random, account: str) -> list[list[object]]:
    days = rng.choice((2, 5, 12, 40, 40))
    seen = [day for day in range(days) if day == days - 1 or rng.random() > rng.choice((0.0, 0.0, 0.15))]
    pins, rolls = rng.choice((1, 4, 15)), rng.random() < 0.2
    is_young = rng.random() < 0.3  # all pins are younger than the first snapshot
    rows = []
    for number in range(pins):
        born = rng.randint(-1, 0) if is_young else rng.choice((-200, -60, -20, rng.randint(-5, days)))
        published = None if rng.random() < 0.05 else datetime.combine(FIRST + timedelta(days=born), datetime.min.time())
        series = [_with_faults(rng, _counter(rng, most, born, days, rolls)) for most in PER_DAY]
        for day in seen:
            if day > born and rng.random() > 0.03:
                rows.append(_row(account, number, published, FIRST + timedelta(days=day), [s[day] for s in series]))
    return _with_events(rng, rows)


def _counter(rng: Random, most: int, born: int, days: int, rolls: bool) -> list[int | None]:
    gains = [rng.randint(0, most) * (30 if rng.random() < 0.005 else 1) for _ in range(days)]
    start = rng.choice((0, 3, 50, 2000)) if born < 0 else 0
    if rolls:
        return [start + sum(gains[max(0, day - 6) : day + 1]) * rng.randint(1, 3) for day in range(days)]
    return [start + sum(gains[max(born, 0) : day + 1]) for day in range(days)]


def _with_faults(rng: Random, values: list[int | None]) -> list[int | None]:
    """Return one counter with faults of its own."""
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        day, length = rng.randrange(len(values)), rng.randint(1, 5)
        fault = rng.choice(("zero", "dip", "spike", "null", "negative", "huge", "reset", "restated", "small"))
        for place in range(day, len(values) if fault in ("reset", "restated", "small") else day + length):
            if place >= len(values) or (value := values[place]) is None:
                continue
            values[place] = {
                "zero": 0,
                "dip": value // 3,
                "spike": value * 2 + 60 * length,
                "null": None,
                "negative": -5,
                "huge": value * 1000 + 5000,
                "reset": max(value - (values[day - 1] or 0), 0) if day and place > day else value // 4,
                "restated": value * 7 // 10,
                "small": max(value - 2, 0),
            }[fault]
    return values


def _with_events(rng: Random, rows: list[list[object]]) -> list[list[object]]:
    """Return the rows of an account with faults that all pins share."""
    for _ in range(rng.choice((0, 1, 2))):
        day, share = FIRST + timedelta(days=rng.randrange(40)), rng.choice((0.4, 0.7, 1.0, 1.0))
        lasts, factor = rng.choice((1, 2, 100)), rng.choice((0.0, 0.0, 0.3, 0.9))
        hit = {row[1] for row in rows if rng.random() < share}
        first = list(TABLES["pins"].columns).index(COUNTERS[0])
        for row in rows:
            if row[1] in hit and isinstance(row[14], date) and day <= row[14] < day + timedelta(days=lasts):
                for place in range(first, first + len(COUNTERS)):
                    value = row[place]
                    row[place] = None if value is None else int(value * factor)  # type: ignore[operator, call-overload]
    return rows


def _row(account: str, number: int, published: datetime | None, day: date, counters: list[int | None]) -> list[object]:
    texts = [
        f"page_{account}",
        "pin",
        f"Pin {number}",
        f"https://www.pinterest.com/pin/{account}{number}/",
        "IMAGE",
        None,
    ]
    window = [day, day - timedelta(days=90), day - timedelta(days=1)]
    return [account, f"{account}-{number:03}", *texts, published, *counters, *window]
