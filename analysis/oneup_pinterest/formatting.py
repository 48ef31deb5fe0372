"""Format numbers, days, names, tables and other people's texts for terminals, notebooks and the report."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import polars as pl

TEXT_LENGTH = 140  # characters of a pin's text
CELL_LENGTH = 400  # fits every sentence of ours; answers truncate the texts of pins themselves
MAX_NAMES = 10
WEEK_OF = "Week of"  # the heading of weeks, each named by its first day
PUBLISHED_IN_WEEK = f"Published in the {WEEK_OF.lower()}"
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def format_day(day: date | None) -> str:
    """Return a day as day, month and year.

    >>> format_day(date(2026, 3, 1)), format_day(None)
    ('1 Mar 2026', 'unknown')
    """
    return f"{day.day} {day:%b %Y}" if day else "unknown"


def format_week(first_day: date | None) -> str:
    """Return the name of a week, by its first day, for a sentence; headings are `WEEK_OF` and `PUBLISHED_IN_WEEK`.

    >>> format_week(date(2026, 3, 2))
    'week of 2 Mar 2026'
    """
    return f"{WEEK_OF.lower()} {format_day(first_day)}"


def truncate(text: str | None, length: int = TEXT_LENGTH) -> str:
    """Return one line of at most `length` characters, without control and bidirectional formatting characters.

    >>> truncate("a\\n\\tb" + "c" * 9, 6)
    'a bcc…'
    """
    line = strip_control_characters(" ".join((text or "").split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def format_account(account: str, username: str | None) -> str:
    """Return an account's username and id, or its id alone where the username is unknown.

    >>> format_account("pin_a", "a"), format_account("pin_b", None)
    ('@a (pin_a)', 'pin_b')
    """
    name, plain = truncate((username or "").strip().removeprefix("@"), 60), truncate(account, 80)
    return f"@{name} ({plain})" if name else plain


def strip_control_characters(line: str) -> str:
    """Return one line without the characters that a terminal obeys: control and bidirectional formatting characters.

    >>> strip_control_characters("\\x1b[2Jpins\\n of \\u202emoc")
    '[2Jpins  of moc'
    """
    line = re.sub(r"\s", " ", line)
    if not line.isprintable():
        line = "".join(character for character in line if unicodedata.category(character) not in ("Cc", "Cs"))
    return _BIDI_CONTROLS.sub("", line)


def isolate_bidi(text: str | None) -> str:
    """Return a text between Unicode isolates, for places that take no markup, such as a menu.

    >>> isolate_bidi("pins") == "\\u2068pins\\u2069"
    True
    """
    return f"\u2068{truncate(text, 80)}\u2069"


def safe_url(link: str | None) -> str | None:
    """Return the link if it is a plain http or https URL, otherwise None.

    >>> safe_url("https://www.pinterest.com/pin/1/")
    'https://www.pinterest.com/pin/1/'
    >>> safe_url("javascript:alert(1)"), safe_url("https://user:pw@host/"), safe_url("//host/")
    (None, None, None)
    """
    link = (link or "").strip()
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return None
    plain = parts.scheme in ("http", "https") and host and "@" not in parts.netloc and len(link) <= 2000
    return link if plain and not re.search(r"[\s\\\x00-\x1f]", link) else None


def host_of(link: str) -> str:
    """Return the host that a link leads to, so that people see it before they follow it.

    >>> host_of("https://www.pinterest.com/pin/1/")
    'pinterest.com'
    """
    return (urlsplit(link).hostname or "").removeprefix("www.")


def format_number(value: float | None) -> str:
    """Return a number with thousands separators; a fraction is rounded to one digit.

    >>> format_number(1234.0), format_number(2.54), format_number(None)
    ('1,234', '2.5', 'unknown')
    """
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> format_count(1, "pin"), format_count(2000, "pin")
    ('1 pin', '2,000 pins')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_list(names: Sequence[str]) -> str:
    """Return names as a list in a sentence.

    >>> format_list(["saves", "repins", "clicks"]), format_list(["saves"])
    ('saves, repins and clicks', 'saves')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def format_names(names: Iterable[str]) -> str:
    """Return the first ten names, and how many more there are.

    >>> format_names(map(str, range(12)))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    known = list(names)
    more = len(known) - MAX_NAMES
    return ", ".join(known[:MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def format_percent(value: float | None) -> str:
    """Return a change in percent with its sign; an unknown one is empty.

    >>> format_percent(25.04), format_percent(-3.0), format_percent(0.0), format_percent(None)
    ('+25.0%', '−3.0%', '0.0%', '')
    """
    return (
        "" if value is None else f"{value:+,.1f}%".replace("-", "−").replace("+0.0%", "0.0%").replace("−0.0%", "0.0%")
    )


def format_time(value: datetime | None) -> str:
    """Return a time in UTC as day, hour and minute.

    >>> format_time(datetime(2026, 3, 1, 6, 5))
    '1 Mar 2026, 06:05 UTC'
    """
    return f"{format_day(value)}, {value:%H:%M} UTC" if value else "unknown"


def format_table(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with the same columns, in which every cell is text for people.

    Numbers get thousands separators, and the numbers of a column the same decimals. An unknown value is a dash. Texts
    are truncated to one line without control characters.

    >>> format_table(pl.DataFrame({"Pins": [1200], "Rate (%)": [2.345], "Since": [date(2026, 3, 1)]})).row(0)
    ('1,200', '2.35', '1 Mar 2026')
    >>> format_table(pl.DataFrame({"Difference": [-2.0, -0.0]}))["Difference"].to_list()
    ['−2', '0']
    """
    return table.select(
        pl.Series(name, [_cell(value, _digits(column)) for value in column], pl.String)
        for name, column in zip(table.columns, table.get_columns(), strict=True)
    )


def _digits(column: pl.Series) -> int:
    if not column.dtype.is_float():
        return 0
    known = [abs(value) for value in column if value is not None and math.isfinite(value)]
    if all(value.is_integer() for value in known):
        return 0
    largest = max(known)
    return 0 if largest >= 1000 else 1 if largest >= 20 else 2 if largest >= 0.1 else 4


def _cell(value: Any, digits: int) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            text = f"{value:,.{digits}f}" if math.isfinite(value) else "–"
            return text.replace("-", "−") if text.strip("-0.,") else text.removeprefix("-")
        case datetime():
            return f"{format_day(value)}, {value:%H:%M}"
        case date():
            return format_day(value)
        case _:
            return truncate(str(value), CELL_LENGTH)


FILTERS: dict[str, Callable[..., Any]] = {  # of the Jinja template, under their own names
    function.__name__: function
    for function in (
        truncate,
        isolate_bidi,
        safe_url,
        host_of,
        format_number,
        format_day,
        format_time,
    )
}
