"""Test whether pins of one format do better than those of another, at the same age and among the same weeks."""

from itertools import combinations
from typing import Any, Literal

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.pins_needed import with_pins_needed
from oneup_pinterest.methods.frames import day_numbers, with_account
from oneup_pinterest.methods.log_contrasts import LogContrast
from oneup_pinterest.methods.permutation import MIN_DAYS, MIN_IN_GROUP, PERMUTATIONS, PinsWithin
from oneup_pinterest.methods.power import SOUGHT
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import with_verdicts

UNKNOWN = "unknown"
ALL_ACCOUNTS = "all accounts"
MAX_FORMATS = 8  # the most common ones; even their 28 pairs are a lot to read

_SCHEMA: Columns = {
    "first": pl.String,
    "second": pl.String,
    "pins_first": pl.Int64,
    "pins_second": pl.Int64,
    "mean_first": pl.Float64,
    "mean_second": pl.Float64,
    "compared_first": pl.Int64,
    "compared_second": pl.Int64,
    "publication_days": pl.Int64,
    "crude_ratio": pl.Float64,
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
    "detectable": pl.Float64,
}


By = Literal["format", "media_type"]


@computed_once
def format_differences(
    history: AccountHistory, metric: str = "saves", by: By = "format", *, sought: float = SOUGHT
) -> pl.DataFrame:
    """Return `compared_formats` of the account's first-week outcomes, and what it takes to find more.

    Further columns: those of `history.pins_needed.with_pins_needed` for `ratio` and for a rise of `sought` percent.
    """
    outcomes = history.first_week(metric)
    found = compared_formats(outcomes, by)
    return with_pins_needed(found, pl.col("ratio").log(), history, outcomes, sought)


def compared_formats(
    outcomes: pl.DataFrame,
    by: By = "format",
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """Compare formats (or media types) in pairs by what their pins had after a week, crude and among the same weeks.

    `outcomes` is a frame of `first_week_outcomes`. One row per pair of the (at most 8) most common formats; no row for
    an account with a single one. A pin without a format has the format `unknown`. Columns, sorted by the first three
    (common formats first):

    - social_network_id; first, second: the formats; first is the rarer of the two
    - pins_first, pins_second: number of pins with an outcome; mean_first, mean_second: its mean (count)
    - compared_first, compared_second: number of pins in weeks that have both formats; only they enter `ratio`
    - publication_days: number of days on which pins of either format were published
    - crude_ratio: geometric mean of 1 + outcome of the first over that of the second, whenever they were published
    - ratio, low, high: typical outcome of the first over that of the second among pins of the same weeks, with a 95%
      interval: the factor on expected counts that explains the difference of the logs of 1 + count
    - p_value: of a shuffle inside the weeks; q_value: adjusted over the pairs (Benjamini and
      Hochberg 1995)
    - verdict: `more`, `less` (q at most 0.05), `within normal variation`, or `no verdict`; reason then says why, and
      ratio is null
    - detectable: the smallest ratio that would be found in 80% of cases now, as a rise in percent. Of several pairs, it
      is what a single difference among them needs (5% divided by their number)

    Pins of one day and of one week share their luck and often their subject, so they are no independent observations
    (`PinsWithin`; restricted likelihood, Patterson and Thompson 1971). The test is studentized (Janssen 1997).

    >>> from datetime import datetime, timedelta
    >>> outcomes = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{n:03}" for n in range(80)], "weeks": 0,
    ...     "moment": [datetime(2026, 1, 1) + timedelta(hours=9 * n) for n in range(80)],
    ...     "format": ["image", "image", "image", "video"] * 20, "value": [9.0 + n % 5 + 11 * (n % 4 == 3)
    ...     for n in range(80)]})
    >>> compared_formats(outcomes).select("first", "second", pl.col("ratio").round(1), "verdict").row(0)
    ('video', 'image', 2.0, 'more')
    """
    if outcomes.is_empty():
        return with_account("", None, _SCHEMA)
    return with_account(outcomes["social_network_id"][0], _pairs(outcomes, by, permutations, seed), _SCHEMA)


def compared_formats_together(
    outcomes: pl.DataFrame,
    by: By = "format",
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """Return the columns of `compared_formats` for all accounts as one, with pins compared within account and weeks.

    So an account with larger counts and more videos does not make videos look better. `social_network_id` is
    `all accounts`.

    >>> compared_formats_together(pl.DataFrame({"social_network_id": ["a"], "id": ["1"], "weeks": [0],
    ...     "moment": [None], "format": [None], "value": [1.0]},
    ...     schema_overrides={"format": pl.String, "moment": pl.Datetime("us")})).height
    0
    """
    strata = outcomes.with_columns(
        weeks=pl.struct("social_network_id", "weeks").rank("dense").cast(pl.Int64),
        id=pl.concat_str("social_network_id", pl.lit(" "), "id"),
        social_network_id=pl.lit(ALL_ACCOUNTS),
    )
    return compared_formats(strata, by, permutations=permutations, seed=seed)


def _pairs(outcomes: pl.DataFrame, by: str, permutations: int, seed: int) -> pl.DataFrame:
    rows = (
        outcomes.filter(pl.col("value").is_not_null())
        .with_columns(kind=pl.col(by).fill_null(UNKNOWN).replace("", UNKNOWN), outcome=pl.col("value").log1p())
        .sort("weeks", "id")
    )
    counted = rows.group_by("kind").agg(
        pins=pl.len().cast(pl.Int64),
        mean=pl.col("value").mean(),
        level=pl.col("outcome").mean(),
        days=pl.col("moment").dt.date().n_unique(),
    )
    kinds = counted.sort("pins", "kind", descending=[True, False]).head(MAX_FORMATS).rows(named=True)
    kind, weeks, days = rows["kind"].to_numpy(), rows["weeks"].to_numpy(), day_numbers(rows)
    values = rows["value"].to_numpy()
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    contrasts: list[LogContrast | None] = []
    for second, first in combinations(kinds, 2):
        of_pair = (kind == first["kind"]) | (kind == second["kind"])
        within = PinsWithin(values[of_pair], weeks[of_pair], days[of_pair])
        compared = within.contrast(kind[of_pair] == first["kind"], rng, permutations)
        pair = {
            "first": first["kind"],
            "second": second["kind"],
            "pins_first": first["pins"],
            "pins_second": second["pins"],
            "mean_first": first["mean"],
            "mean_second": second["mean"],
            "publication_days": np.unique(days[of_pair]).size,
            "crude_ratio": float(np.exp(first["level"] - second["level"])),
        }
        if compared is None or compared[0].estimate is None:
            pair["reason"] = _reason(first, second)
            contrasts.append(None)
        else:
            contrasts.append(compared[0])
            pair |= {"compared_first": compared[1], "compared_second": compared[2], **compared[0].ratios()}
        found.append(pair)
    tests = sum(contrast is not None for contrast in contrasts)
    for pair, contrast in zip(found, contrasts, strict=True):
        pair["detectable"] = contrast.detectable(tests) if contrast else None
    return with_verdicts(pl.DataFrame(found, schema={name: _SCHEMA[name] for name in _SCHEMA}))


def _reason(first: dict[str, Any], second: dict[str, Any]) -> str:
    fewest = min(first, second, key=lambda kind: kind["pins"])
    if fewest["pins"] < MIN_IN_GROUP:
        return f"{fewest['kind']}: {fewest['pins']} of at least {MIN_IN_GROUP} pins"
    fewest = min(first, second, key=lambda kind: kind["days"])
    if fewest["days"] < MIN_DAYS:
        return f"{fewest['kind']}: published on {fewest['days']} of at least {MIN_DAYS} days"
    return (
        f"fewer than {MIN_IN_GROUP} pins or {MIN_DAYS} days of each in the same weeks, or counts that are all alike or "
        "nearly all 0"
    )
