"""How numbers, days, tables and other people's texts are written for people, in notebooks and on the page."""

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import polars as pl

TEXT_LENGTH = 140
CELL_LENGTH = 400  # a sentence of ours, whole; answers shorten pins' texts before they make a table
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def format_day(day: date | None) -> str:
    """A day as people write it.

    >>> format_day(date(2026, 3, 1)), format_day(None)
    ('1 Mar 2026', 'unknown')
    """
    return f"{day.day} {day:%b %Y}" if day else "unknown"


def truncate(text: str | None, length: int = TEXT_LENGTH) -> str:
    """One line of at most `length` characters, without control characters and marks that turn the text around them.

    >>> truncate("a\\n\\tb" + "c" * 9, 6)
    'a bcc…'
    """
    line = strip_control_characters(" ".join((text or "").split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def format_account(account: str, username: str | None) -> str:
    """An account's username and id, as far as the first is known.

    >>> format_account("pin_a", "a"), format_account("pin_b", None)
    ('@a (pin_a)', 'pin_b')
    """
    name, plain = truncate((username or "").strip().removeprefix("@"), 60), truncate(account, 80)
    return f"@{name} ({plain})" if name else plain


def strip_control_characters(line: str) -> str:
    """A line that no terminal obeys: without control characters and marks that turn the text around them.

    >>> strip_control_characters("\\x1b[2Jpins\\n of \\u202emoc")
    '[2Jpins  of moc'
    """
    line = re.sub(r"\s", " ", line)
    if not line.isprintable():
        line = "".join(character for character in line if unicodedata.category(character) not in ("Cc", "Cs"))
    return _BIDI_CONTROLS.sub("", line)


def isolate_bidi(text: str | None) -> str:
    """For places that take no markup, such as a menu: the text between Unicode isolates, with none of its own."""
    return f"\u2068{truncate(text, 80)}\u2069"


def safe_url(link: str | None) -> str | None:
    """The link if it is a plain http or https one, else None.

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
    """The host that a link leads to, so that people see it before they go there."""
    return (urlsplit(link).hostname or "").removeprefix("www.")


def number(value: float | None) -> str:
    """A count with thousands separated; a fraction (of a gap) is rounded to one digit.

    >>> number(1234.0), number(2.54), number(None)
    ('1,234', '2.5', 'unknown')
    """
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def percent(value: float | None) -> str:
    """A change with its sign.

    >>> percent(25.04), percent(-3.0), percent(0.0)
    ('+25.0%', '−3.0%', '0.0%')
    """
    return (
        "" if value is None else f"{value:+,.1f}%".replace("-", "−").replace("+0.0%", "0.0%").replace("−0.0%", "0.0%")
    )


def moment(value: datetime | None) -> str:
    """A time in UTC."""
    return f"{format_day(value)}, {value:%H:%M} UTC" if value else "unknown"


def format_table(table: pl.DataFrame) -> pl.DataFrame:
    """The table with every cell as people read it: the same columns, all text.

    Counts have their thousands separated; the fractions of a column share their digits; days are days; what is not
    known is a dash; and other people's texts are shortened to one line without control characters.

    >>> format_table(pl.DataFrame({"Pins": [1200], "Rate (%)": [2.345], "Since": [date(2026, 3, 1)]})).row(0)
    ('1,200', '2.35', '1 Mar 2026')
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
            return f"{value:,.{digits}f}".replace("-", "−") if math.isfinite(value) else "–"
        case datetime():
            return f"{format_day(value)}, {value:%H:%M}"
        case date():
            return format_day(value)
        case _:
            return truncate(str(value), CELL_LENGTH)


FILTERS: dict[str, Callable[..., Any]] = {
    "shortened": truncate,
    "isolated": isolate_bidi,
    "web_address": safe_url,
    "host_of": host_of,
    "number": number,
    "percent": percent,
    "day": format_day,
    "moment": moment,
}
