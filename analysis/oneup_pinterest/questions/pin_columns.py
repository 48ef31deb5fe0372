"""Define the columns with which every table names a pin: its text and its link."""

import polars as pl

from oneup_pinterest.formatting import safe_url, truncate

PIN, LINK = "Pin", "Link"  # the headings; the report shows the picture beside the one and a link in the other


def pin_name(length: int) -> pl.Expr:
    """Return the column Pin, from text and id: the text, cut to `length` characters, or the id of a pin without one.

    >>> pl.DataFrame({"text": ["Soup of the day", None], "id": ["1", "2"]}).select(pin_name(8)).rows()
    [('Soup of…',), ('2',)]
    """
    return (
        pl.struct("text", "id")
        .map_elements(lambda row: truncate(row["text"], length) or truncate(row["id"], length), return_dtype=pl.String)
        .alias(PIN)
    )


def pin_link() -> pl.Expr:
    """Return the column Link, from permalink: null where it is not a plain web address.

    >>> pins = pl.DataFrame({"permalink": ["https://www.pinterest.com/pin/1/", "javascript:alert(1)", None]})
    >>> pins.select(pin_link()).to_series().to_list()
    ['https://www.pinterest.com/pin/1/', None, None]
    """
    return pl.col("permalink").map_elements(safe_url, return_dtype=pl.String).alias(LINK)
