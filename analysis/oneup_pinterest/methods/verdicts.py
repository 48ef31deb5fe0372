"""Verdicts in words, and p values adjusted for the number of tests."""

from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.methods.types import Columns, Floats

LEVEL = 0.05  # significance level
UP, DOWN, MORE, LESS = "up", "down", "more", "less"
WITHIN_NORMAL_VARIATION = "within normal variation"  # tested, without evidence for a change
NO_VERDICT = "no verdict"  # not tested, or not comparable; the reason says why


def with_holm_verdicts(rows: list[dict[str, Any]], columns: Columns) -> pl.DataFrame:
    """Return the rows as a frame, with `p_adjusted` (Holm 1979, over the rows that have a `p`) and `verdict`.

    `columns` are the names and types of the result; what a row lacks is null. A change is up where `change` is
    positive.

    >>> columns = {"change": pl.Float64, "p": pl.Float64, "p_adjusted": pl.Float64, "verdict": pl.String}
    >>> rows = [{"change": 9.0, "p": 0.01}, {"change": 1.0, "p": 0.4}]
    >>> with_holm_verdicts(rows, columns).select("p_adjusted", "verdict").row(0)
    (0.02, 'up')
    """
    table = pl.DataFrame([{**dict.fromkeys(columns), **row} for row in rows], schema=columns)
    tested = table["p"].is_not_null()
    adjusted = np.full(table.height, np.nan)
    adjusted[tested.to_numpy()] = holm(table["p"].filter(tested))
    adjusted_table = table.with_columns(p_adjusted=pl.Series(adjusted).fill_nan(None))
    return adjusted_table.with_columns(verdict=verdict_of(pl.col("change") > 0))


def verdict_of(is_up: pl.Expr, p: str = "p_adjusted") -> pl.Expr:
    """Return an expression for the verdict of each row: up or down, within normal variation, or no verdict.

    `is_up` is the direction (null: no verdict), `p` the column of p values.

    >>> pl.DataFrame({"p_adjusted": [0.01, 0.2]}).select(verdict_of(pl.lit(True)))["literal"].to_list()
    ['up', 'within normal variation']
    """
    is_sure = (pl.col(p) < LEVEL).fill_null(False) & is_up.is_not_null()
    return (
        pl.when(pl.col(p).is_null() | is_up.is_null())
        .then(pl.lit(NO_VERDICT))
        .when(~is_sure)
        .then(pl.lit(WITHIN_NORMAL_VARIATION))
        .when(is_up)
        .then(pl.lit(UP))
        .otherwise(pl.lit(DOWN))
    )


def with_verdicts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `q_value` and `verdict`: more or less where q is at most 5%, by whether `ratio` exceeds 1.

    The q value is the adjusted p value of Benjamini and Hochberg (1995), over the rows that have a `p_value`; it
    controls the false discovery rate.

    >>> rows = pl.DataFrame({"ratio": [2.0, 0.9, None], "p_value": [0.01, 0.5, None]})
    >>> with_verdicts(rows)["verdict"].to_list()
    ['more', 'within normal variation', 'no verdict']
    """
    from scipy.stats import false_discovery_control

    known = rows["p_value"].is_not_null()
    adjusted = np.full(rows.height, np.nan)
    if known.any():
        adjusted[known.to_numpy()] = false_discovery_control(rows["p_value"].drop_nulls().to_numpy())
    q = pl.col("q_value")
    return rows.with_columns(pl.Series("q_value", adjusted).fill_nan(None)).with_columns(
        verdict=pl.when(q.is_null())
        .then(pl.lit(NO_VERDICT))
        .when(q > LEVEL)
        .then(pl.lit(WITHIN_NORMAL_VARIATION))
        .when(pl.col("ratio") > 1)
        .then(pl.lit(MORE))
        .otherwise(pl.lit(LESS))
    )


def holm(p: pl.Series) -> Floats:
    """Return p values adjusted for their number, so that any false alarm is as rare as in a single test.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    >>> holm(pl.Series([0.01, 0.03, 0.5])).round(3).tolist()
    [0.03, 0.06, 0.5]
    """
    values = p.to_numpy().astype(np.float64)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), 1)
    return adjusted
