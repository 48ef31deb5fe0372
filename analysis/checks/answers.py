"""Checks of the answers that pins came in: against their totals, against the overview, against a cap."""

from collections.abc import Iterator

import polars as pl

from analysis.checks.facts import AGREES_WITHIN, KEPT_DAYS, Facts, Finding, counted, finding_of, listed
from analysis.readings import METRICS, pins_as_last_seen
from analysis.remembered import remembered
from analysis.texts import written_day

SUSPECT_COUNTS = (50, 100)  # pagination of the posts is not documented; a cap would be such a number

_WINDOW = ["social_network_id", "period_start", "period_end"]


@remembered
def sums_of_answers(pins: pl.DataFrame) -> pl.DataFrame:
    """One row an answer: social_network_id, period_start, period_end, snapshot_date; pins (how many it had), and the
    sum of each of METRICS over them."""
    metrics = [metric for metric in METRICS if metric in pins.columns]
    counted = pl.len().cast(pl.Int64).alias("pins")
    return pins.lazy().group_by(*_WINDOW, "snapshot_date").agg(counted, pl.col(metrics).sum()).collect()


def pins_against_totals(pins: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """The totals that the API sends beside the pins of a window, and the sums over these pins.

    One row a window and key that both are known of, sorted by the first four columns: social_network_id, period_start,
    period_end, key (of METRICS, or `posts`); total; pins_sum (counters added up, or pins counted); pins (how many).

    >>> from datetime import date
    >>> window = {"social_network_id": "pin_a", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7)}
    >>> pins = pl.DataFrame({**window, "snapshot_date": date(2026, 3, 8), "id": ["1", "2"], "saves": [3, 4]})
    >>> totals = pl.DataFrame({**window, "key": ["posts", "saves"], "value_current_period": [2.0, 9.0]})
    >>> pins_against_totals(pins, totals).select("key", "total", "pins_sum").rows()
    [('posts', 2.0, 2.0), ('saves', 9.0, 7.0)]
    """
    metrics = [metric for metric in METRICS if metric in pins.columns]
    newest = pl.col("snapshot_date") == pl.col("snapshot_date").max().over(_WINDOW)  # a window may be asked for again
    sums = (
        sums_of_answers(pins)
        .filter(newest)
        .with_columns(pl.col("pins").cast(pl.Float64).alias("posts"), pl.col(metrics).cast(pl.Float64))
        .unpivot(["posts", *metrics], index=[*_WINDOW, "pins"], variable_name="key", value_name="pins_sum")
    )
    return (
        totals.select(*_WINDOW, "key", total=pl.col("value_current_period").cast(pl.Float64))
        .drop_nulls()
        .join(sums, on=[*_WINDOW, "key"])
        .select(*_WINDOW, "key", "total", "pins_sum", "pins")
        .sort(*_WINDOW, "key")
    )


def missing_pins(facts: Facts) -> Iterator[Finding]:
    """Numbers of pins in an answer that are not the number of posts beside them."""
    both = pins_against_totals(facts.pins, facts.totals)
    posts = both.filter((pl.col("key") == "posts") & (pl.col("total") != pl.col("pins_sum")))
    for (account,), group in posts.group_by("social_network_id", maintain_order=True):
        last = group.row(-1, named=True)
        yield finding_of(
            "missing_pins", "warning", account, group["period_end"].min(),
            f"In {counted(group.height, 'answer')} the number of pins is not the number of "
            f"posts that came with them: {last['pins']:,} pins and {last['total']:,.0f} posts in the last of them.",
            "Compare with OneUp's own page: the list may be cut, or hold pins that were published at another time.",
        )  # fmt: skip


def sums_differ(facts: Facts) -> Iterator[Finding]:
    """Sums over the pins of an answer that are not the totals beside them."""
    both = pins_against_totals(facts.pins, facts.totals)
    newest = pl.col("period_end") == pl.col("period_end").max().over("social_network_id")
    sums = both.filter(newest & (pl.col("key") != "posts") & (pl.max_horizontal("total", "pins_sum") > 0))
    sums = sums.with_columns(
        differs=(pl.col("total") - pl.col("pins_sum")).abs()
        > (AGREES_WITHIN * pl.max_horizontal("total", "pins_sum")).clip(1)
    )
    differing = sums.filter("differs")
    if differing.is_empty():
        return
    ratio = differing.filter((pl.col("key") == "impressions") & (pl.col("total") > 0))
    text = ""
    if ratio.height:
        median = ratio.select((pl.col("pins_sum") / pl.col("total")).median()).item()
        text = f" Over pins, impressions come to {100 * median:.0f}% of the total (median)."
    accounts = differing["social_network_id"].n_unique()
    yield finding_of(
        "sums_differ", "info", "all", None,
        f"In {accounts} of {sums['social_network_id'].n_unique()} accounts, sums over the pins of an answer are not "
        f"the totals that came with it.{text}",
        "Use OneUp's totals for the account, and pins to compare pins; do not expect the two to agree.",
    )  # fmt: skip


def posts_differ(facts: Facts) -> Iterator[Finding]:
    """The newest number of posts of each account against the pins seen that were published in that period."""
    windows = facts.pins.group_by("social_network_id").agg(
        pl.col("period_start").min().alias("asked_from"), pl.col("period_end").max().alias("asked_to")
    )
    periods = (
        facts.overview.filter((pl.col("key") == "posts") & pl.col("value_current_period").is_not_null())
        .sort("period_end", "period_start")
        .unique("social_network_id", keep="last", maintain_order=True)
        .join(windows, on="social_network_id")
        .filter((pl.col("period_start") > pl.col("asked_from")) & (pl.col("period_end") <= pl.col("asked_to")))
        .select("social_network_id", "period_start", "period_end", posts="value_current_period")
    )
    day, one = pl.col("timestamp").dt.date(), pl.duration(days=1)  # the zone of the time stamps is not known
    counted = (
        pins_as_last_seen(facts.pins)
        .select("social_network_id", "id", pl.col("timestamp").cast(pl.Datetime("us")))
        .join(periods, on="social_network_id")
        .group_by("social_network_id")
        .agg(
            pl.col("posts", "period_start", "period_end").first(),
            surely=day.is_between(pl.col("period_start") + one, pl.col("period_end") - one).sum(),
            perhaps=day.is_between(pl.col("period_start") - one, pl.col("period_end") + one).sum(),
        )
        .filter(~pl.col("posts").is_between("surely", "perhaps"))
        .sort("social_network_id")
    )
    for row in counted.iter_rows(named=True):
        yield finding_of(
            "posts_differ", "warning", row["social_network_id"], row["period_start"],
            f"OneUp counts {row['posts']:,.0f} posts from {written_day(row['period_start'])} to "
            f"{written_day(row['period_end'])}, but between {row['surely']:,} and {row['perhaps']:,} pins published "
            "then were seen.",
            "Some pins may be missing from the answers, or have been deleted; compare with OneUp's own page.",
        )  # fmt: skip


def periods_too_old(facts: Facts) -> Iterator[Finding]:
    """Figures of 0 from before what Pinterest keeps, where there are figures from then on."""
    synced = pl.coalesce(pl.col("_airbyte_extracted_at").dt.date(), pl.col("period_end") + pl.duration(days=1))
    kept_from = synced - pl.duration(days=KEPT_DAYS)
    periods = (
        facts.overview.group_by("social_network_id", "preset", "period_start", "period_end")
        .agg(
            now=pl.col("value_current_period").sum(),
            before=pl.col("value_last_period").sum(),
            kept_from=kept_from.first(),
        )
        .sort("social_network_id", "preset", "period_end")
    )
    length = pl.col("period_end") - pl.col("period_start") + pl.duration(days=1)
    is_old = pl.col("period_end") < pl.col("kept_from")
    is_old_before = (pl.col("period_start") - length < pl.col("kept_from")) & ~is_old
    first_kept = pl.col("now").filter(~is_old).first().over("social_network_id", "preset")
    found = periods.with_columns(
        is_empty=is_old & (pl.col("now") == 0) & (first_kept > 0),
        is_empty_before=is_old_before & (pl.col("before") == 0) & (pl.col("now") > 0),
    ).filter(pl.col("is_empty") | pl.col("is_empty_before"))
    for (account,), group in found.group_by("social_network_id", maintain_order=True):
        empty, before = (group.filter(column).height for column in ("is_empty", "is_empty_before"))
        what = [f"{counted(empty, 'period')} as a whole"] * (empty > 0)
        what += [f"the period before, of {counted(before, 'period')}"] * (before > 0)
        yield finding_of(
            "older_than_kept", "info", account, group["period_end"].min(),
            f"Totals are 0 from more than {KEPT_DAYS} days before the sync ({listed(what)}): Pinterest keeps "
            f"{KEPT_DAYS} days, so these zeros mean nothing.",
            "Do not read them as a quiet time, nor the change against them as growth.",
        )  # fmt: skip


def possible_cap(facts: Facts) -> Iterator[Finding]:
    """Exactly 50 or 100 pins in one response, where nothing shows that the list was whole.

    It was, where as many posts were counted beside the pins; and no cap is below the longest list of the account.
    """
    whole = pins_against_totals(facts.pins, facts.totals).filter(
        (pl.col("key") == "posts") & (pl.col("total") <= pl.col("pins_sum"))
    )
    windows = (
        sums_of_answers(facts.pins)
        .filter(pl.col("pins") == pl.col("pins").max().over("social_network_id"))
        .filter(pl.col("pins").is_in(SUSPECT_COUNTS))
        .join(whole, on=[*_WINDOW, "pins"], how="anti")
        .group_by("social_network_id", "pins")
        .agg(since=pl.col("snapshot_date").min(), days=pl.col("snapshot_date").n_unique())
        .sort("social_network_id", "pins")
    )
    for account, pins, since, days in windows.select("social_network_id", "pins", "since", "days").iter_rows():
        yield finding_of(
            "possible_cap", "warning" if days > 2 else "info", account, since,
            f"Exactly {pins} pins came for one window on {days} {'day' if days == 1 else 'days'}: "
            "the API may have cut the list.",
            "Compare with the number of posts in the account's totals, and with OneUp's own page.",
        )  # fmt: skip
