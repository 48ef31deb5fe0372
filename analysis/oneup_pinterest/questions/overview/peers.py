"""Compare each account with the others of the same file that are of its size."""

import numpy as np
import polars as pl

from oneup_pinterest.methods.types import Columns, Floats

MIN_ACCOUNTS = 8  # fewer do not say how much accounts of a size differ
_ADDED = 0.5  # to counts before the logarithm, which 0 does not have

PEERS: Columns = {"peers": pl.Float64, "peers_low": pl.Float64, "peers_high": pl.Float64}


def with_peers(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `account_figures` with how each account does against the others of its size.

    Three columns are added: peers (percent above or below what accounts with as many pins gain), peers_low and
    peers_high (its 95% interval); null where fewer than 8 accounts have gains of the metric in both periods.

    The logarithm of the gains is fitted by a line over the logarithm of the pins seen (Siegel, Biometrika 69,
    1982). What is left is shrunk towards 0 by the share of its variance that chance explains (Efron and Morris, JASA
    70, 1975). Chance is what an account's distance to the line changes from one period to the next.

    >>> rows = pl.DataFrame({"social_network_id": [str(n) for n in range(9)], "metric": "saves", "watched_now": 50.0,
    ...     "watched_before": 50.0, "now": [100.0] * 8 + [400.0], "before": [100.0] * 8 + [400.0]})
    >>> with_peers(rows)["peers"].round(0).to_list()[-2:]
    [0.0, 299.0]
    """
    if rows.is_empty():
        return rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in PEERS.items())
    numbered = rows.with_row_index("row")
    is_known = (pl.col("watched_now") > 0) & (pl.col("watched_before") > 0) & pl.col("now").is_not_null()
    values = {name: np.full(rows.height, np.nan) for name in PEERS}
    for _, part in numbered.filter(is_known).group_by("metric", maintain_order=True):
        if part.height >= MIN_ACCOUNTS:
            for name, column in zip(PEERS, _against_peers(part), strict=True):
                values[name][part["row"].to_numpy()] = column
    return rows.with_columns(pl.Series(name, column).fill_nan(None) for name, column in values.items())


def _against_peers(part: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    from scipy.stats import siegelslopes

    rests = []
    for gained, seen in (("now", "watched_now"), ("before", "watched_before")):
        size, level = np.log(part[seen].to_numpy()), np.log(part[gained].to_numpy() + _ADDED)
        slope = siegelslopes(level, size).slope if np.ptp(size) > 0 else 0.0
        rest = level - slope * size
        rests.append(rest - np.median(rest))
    now, before = rests
    chance = float(np.mean((now - before) ** 2) / 2)
    between = max(float(np.mean(now**2)) - chance, 0.0)
    shrunk = now * between / (between + chance) if between + chance else now
    reach = 1.96 * np.sqrt(between * chance / (between + chance)) if between + chance else 0.0
    low, middle, high = ((np.exp(shrunk + sign * reach) - 1) * 100 for sign in (-1, 0, 1))
    return middle, low, high
