"""Checks of the answers that pins came in: against their totals, against the overview, against a cap."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.formatting import format_day
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.observations import METRICS, consecutive_observations, is_in_order
from oneup_pinterest.history.totals import of_last_preset
from oneup_pinterest.quality.checks.context import (
    AGREES_WITHIN,
    ENOUGH,
    KEPT_DAYS,
    LEAST_IMPRESSIONS,
    NEARLY_ALL,
    CheckContext,
    Finding,
    counted,
    finding_of,
    in_brackets,
    listed,
)

SUSPECT_COUNTS = (50, 100)  # pagination of the posts is not documented; a cap would be such a number

_WINDOW = ["social_network_id", "period_start", "period_end"]


@computed_once
def sums_of_answers(history: LoadedHistory) -> pl.DataFrame:
    """One row an answer: social_network_id, period_start, period_end, snapshot_date; pins (how many it had), and the
    sum of each of METRICS over them: null where one of them is unknown, or a glitch (`history.glitches`).

    A row that is there twice counts once.
    """
    pins = history.pins
    metrics = [metric for metric in METRICS if metric in pins.columns]
    key = list(TABLES["pins"].key)
    once = pins if is_in_order(pins.select(key)) else pins.unique(key, keep="last", maintain_order=True)
    sums = [pl.when(pl.col(metric).is_not_null().all()).then(pl.col(metric).sum()).alias(metric) for metric in metrics]
    answers = (
        once.lazy().group_by(*_WINDOW, "snapshot_date").agg(pl.len().cast(pl.Int64).alias("pins"), *sums).collect()
    )
    readings = consecutive_observations(history, metrics)
    for metric, left_out in readings.left_out.items():
        if left_out.is_empty():
            continue
        days = left_out.select("account", "snapshot_date").unique().join(readings.accounts, on="account")
        glitched = days.select("social_network_id", "snapshot_date", is_glitched=pl.lit(value=True))
        answers = (
            answers.join(glitched, on=["social_network_id", "snapshot_date"], how="left")
            .with_columns(pl.when(pl.col("is_glitched").is_null()).then(metric).alias(metric))
            .drop("is_glitched")
        )
    return answers


def pins_against_totals(history: LoadedHistory) -> pl.DataFrame:
    """The totals that the API sends beside the pins of a window, and the sums over these pins.

    One row a window and key that both are known of, sorted by the first four columns: social_network_id, period_start,
    period_end, key (of METRICS, or `posts`); total; pins_sum (counters added up, or pins counted); pins (how many).

    >>> from datetime import date
    >>> window = {"social_network_id": "pin_a", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7)}
    >>> pins = pl.DataFrame({**window, "snapshot_date": date(2026, 3, 8), "id": ["1", "2"], "saves": [3, 4],
    ...     "timestamp": date(2026, 3, 2)})
    >>> totals = pl.DataFrame({**window, "key": ["posts", "saves"], "value_current_period": [2.0, 9.0]})
    >>> pins_against_totals(LoadedHistory(pins, pin_totals=totals)).select("key", "total", "pins_sum").rows()
    [('posts', 2.0, 2.0), ('saves', 9.0, 7.0)]
    """
    metrics = [metric for metric in METRICS if metric in history.pins.columns]
    newest = pl.col("snapshot_date") == pl.col("snapshot_date").max().over(_WINDOW)  # a window may be asked for again
    sums = (
        sums_of_answers(history)
        .filter(newest)
        .with_columns(pl.col("pins").cast(pl.Float64).alias("posts"), pl.col(metrics).cast(pl.Float64))
        .unpivot(["posts", *metrics], index=[*_WINDOW, "pins"], variable_name="key", value_name="pins_sum")
        .drop_nulls("pins_sum")
    )
    return (
        history.pin_totals.select(*_WINDOW, "key", total=pl.col("value_current_period").cast(pl.Float64))
        .drop_nulls()
        .join(sums, on=[*_WINDOW, "key"])
        .select(*_WINDOW, "key", "total", "pins_sum", "pins")
        .sort(*_WINDOW, "key")
    )


def missing_pins(facts: CheckContext) -> Iterator[Finding]:
    """Numbers of pins in an answer that are not the number of posts beside them.

    Fewer pins say nothing where rows of pins are left out because they cannot be read.
    """
    both = pins_against_totals(facts.history)
    posts = both.filter((pl.col("key") == "posts") & (pl.col("total") != pl.col("pins_sum")))
    if facts.is_cut("pins"):
        posts = posts.filter(pl.col("total") < pl.col("pins_sum"))
    longest = max(sums_of_answers(facts.history)["pins"].to_list(), default=0)
    for (account,), group in posts.group_by("social_network_id", maintain_order=True):
        last = group.row(-1, named=True)
        why = "the list may be cut"
        if last["total"] < last["pins_sum"]:
            why = "its number of posts leaves out some of these pins"
        elif last["pins"] < longest:
            why = f"pins are missing, although the list is not cut: there is one of {longest:,} pins"
        yield finding_of(
            "missing_pins",
            "warning",
            account,
            group["period_end"].min(),
            f"In {counted(group.height, 'answer')} the number of pins is not the number of "
            f"posts that came with them: {last['pins']:,} pins and {last['total']:,.0f} posts in the last of them.",
            f"Compare with OneUp's own page: {why}.",
        )


def totals_that_agree(history: LoadedHistory) -> pl.DataFrame:
    """Answers with impressions beside them, of accounts that have older pins too: total, pins_sum, agrees."""
    published = pl.col("timestamp").cast(pl.Datetime("us")).dt.date()
    oldest = history.pins.group_by("social_network_id").agg(oldest=published.min())
    larger = pl.max_horizontal("total", "pins_sum")
    return (
        pins_against_totals(history)
        .join(oldest, on="social_network_id")
        .filter(pl.col("oldest") < pl.col("period_start") - pl.duration(days=1))
        .filter((pl.col("key") == "impressions") & (larger >= LEAST_IMPRESSIONS))
        .select(
            "total", "pins_sum", agrees=(pl.col("total") - pl.col("pins_sum")).abs() <= (AGREES_WITHIN * larger).clip(1)
        )
    )


def sums_differ(facts: CheckContext) -> Iterator[Finding]:
    """Sums over the pins of an answer that are not the totals beside them."""
    both = pins_against_totals(facts.history)
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
    what_to_do = "Use OneUp's totals for the account, and pins to compare pins; do not expect the two to agree."
    known = totals_that_agree(facts.history)
    if known.height >= ENOUGH and known["agrees"].sum() >= NEARLY_ALL * known.height:
        what_to_do = "Compare with OneUp's own page: in nearly all other answers the two agree."
    yield finding_of(
        "sums_differ",
        "info",
        "all",
        None,
        f"In {accounts} of {sums['social_network_id'].n_unique()} accounts, sums over the pins of an answer are not "
        f"the totals that came with it.{text}",
        what_to_do,
    )


def posts_differ(facts: CheckContext) -> Iterator[Finding]:
    """The newest number of posts of each account against the pins seen that were published in that period.

    Pins that the newest answer no longer has may have been deleted before the posts were counted, or after; pins
    without a time of publication may be of the period. Fewer pins than posts say nothing where rows of pins could not
    be read, nor where as many posts were counted beside a list that reaches over the whole period.
    """
    account, one = "social_network_id", pl.duration(days=1)  # the zone of the time stamps is not known
    start, end = pl.col("period_start"), pl.col("period_end")
    windows = facts.pins.group_by(account).agg(start.min().alias("asked_from"), end.max().alias("asked_to"))
    newest = of_last_preset(facts.overview).filter(end == end.max().over(account))
    periods = (
        newest.filter((pl.col("key") == "posts") & pl.col("value_current_period").is_not_null())
        # zeros throughout are those of a lost connection
        .join(newest.filter(pl.col("value_current_period") > 0).select(account).unique(), on=account, how="semi")
        .join(windows, on=account)
        .filter((start > pl.col("asked_from")) & (end <= pl.col("asked_to")))
        .select(account, "period_start", "period_end", "preset", posts="value_current_period")
    )
    day = pl.col("timestamp").dt.date()
    is_current = pl.col("snapshot_date") == pl.col("snapshot_date").max()
    perhaps = day.is_between(start - one, end + one) | day.is_null()
    counted = (
        latest_pins(facts.history)
        .select(account, "id", "snapshot_date", pl.col("timestamp").cast(pl.Datetime("us")))
        .join(periods, on=account)
        .group_by(account)
        .agg(
            pl.col("posts", "period_start", "period_end", "preset").first(),
            surely=(day.is_between(start + one, end - one) & is_current).sum(),
            perhaps=perhaps.sum(),
        )
        .filter(~pl.col("posts").is_between("surely", "perhaps"))
        .with_columns(preset=in_brackets(pl.col("preset")), is_more=pl.col("posts") > pl.col("perhaps"))
        .sort(account)
    )
    if facts.is_cut("pins"):
        counted = counted.filter(~pl.col("is_more"))
    whole = counted.join(_whole_lists(facts), on=account).filter((start >= pl.col("first")) & (end <= pl.col("last")))
    counted = counted.filter(~(pl.col("is_more") & pl.col(account).is_in(whole[account].implode())))
    for row in counted.iter_rows(named=True):
        what_to_do = "Compare with OneUp's own page: its number of posts leaves out some of these pins."
        if row["is_more"]:
            what_to_do = (
                "Some pins may be missing from the answers, or have been deleted; compare with OneUp's own page."
            )
        yield finding_of(
            "posts_differ",
            "warning",
            row[account],
            row["period_start"],
            f"OneUp counts {row['posts']:,.0f} posts{row['preset']} from {format_day(row['period_start'])} to "
            f"{format_day(row['period_end'])}, but between {row['surely']:,} and {row['perhaps']:,} pins published "
            "then were seen.",
            what_to_do,
        )


def _whole_lists(facts: CheckContext) -> pl.DataFrame:
    """social_network_id, first and last day of each list of pins of which as many posts were counted."""
    posts = pins_against_totals(facts.history).filter(pl.col("key") == "posts")
    return posts.filter(pl.col("total") == pl.col("pins_sum")).select(
        "social_network_id", first="period_start", last="period_end"
    )


def old_periods(overview: pl.DataFrame) -> pl.DataFrame:
    """Periods that ended before what Pinterest keeps, of accounts that have figures since: preset, and figures."""
    is_old = pl.col("period_end") < pl.col("_airbyte_extracted_at").dt.date() - pl.duration(days=KEPT_DAYS)
    figures = of_last_preset(overview).filter(pl.col("key") != "posts").with_columns(is_old=is_old)
    lively = figures.filter(~pl.col("is_old") & (pl.col("value_current_period") > 0))
    return (
        figures.filter("is_old")
        .join(lively, on="social_network_id", how="semi")
        .group_by("social_network_id", "preset", "period_end")
        .agg(figures=pl.col("value_current_period").sum())
    )


def periods_too_old(facts: CheckContext) -> Iterator[Finding]:
    """Figures of 0 from before what Pinterest keeps, where there are figures from then on, and none from before."""
    old = old_periods(facts.overview)
    if old.height >= ENOUGH and old.filter(pl.col("figures") > 0).height >= NEARLY_ALL * old.height:
        return  # more is kept than it says
    synced = pl.coalesce(pl.col("_airbyte_extracted_at").dt.date(), pl.col("period_end") + pl.duration(days=1))
    kept_from = synced - pl.duration(days=KEPT_DAYS)
    periods = (
        of_last_preset(facts.overview)
        .group_by("social_network_id", "preset", "period_start", "period_end")
        .agg(
            now=pl.col("value_current_period").sum(),
            before=pl.col("value_last_period").sum(),
            kept_from=kept_from.first(),
        )
        .sort("social_network_id", "period_end")
    )
    length = pl.col("period_end") - pl.col("period_start") + pl.duration(days=1)
    is_old = pl.col("period_end") < pl.col("kept_from")
    is_old_before = (pl.col("period_start") - length < pl.col("kept_from")) & ~is_old
    first_kept = pl.col("now").filter(~is_old).first().over("social_network_id")
    first_seen = pl.col("period_end").filter(pl.col("now") > 0).min().over("social_network_id")
    found = periods.with_columns(
        is_empty=is_old & (pl.col("now") == 0) & (first_kept > 0) & (pl.col("period_end") < first_seen),
        is_empty_before=is_old_before
        & (pl.col("before") == 0)
        & (pl.col("now") > 0)
        & (first_seen >= pl.col("period_start")),
    ).filter(pl.col("is_empty") | pl.col("is_empty_before"))
    for (account,), group in found.group_by("social_network_id", maintain_order=True):
        empty, before = (group.filter(column).height for column in ("is_empty", "is_empty_before"))
        what = [f"{counted(empty, 'period')} as a whole"] * (empty > 0)
        what += [f"the period before, of {counted(before, 'period')}"] * (before > 0)
        preset = group.select(in_brackets(pl.col("preset"))).item(0, 0)
        yield finding_of(
            "older_than_kept",
            "info",
            account,
            group["period_end"].min(),
            f"Totals{preset} are 0 from more than {KEPT_DAYS} days before the sync ({listed(what)}): Pinterest keeps "
            f"{KEPT_DAYS} days, so these zeros mean nothing.",
            "Do not read them as a quiet time, nor the change against them as growth.",
        )


def possible_cap(facts: CheckContext) -> Iterator[Finding]:
    """Exactly 50 or 100 pins in one response, where nothing shows that the list was whole.

    It was, where as many posts were counted beside the pins; and no cap is below the longest list of the file.
    """
    whole = pins_against_totals(facts.history).filter(
        (pl.col("key") == "posts") & (pl.col("total") <= pl.col("pins_sum"))
    )
    windows = (
        sums_of_answers(facts.history)
        .filter(pl.col("pins") == pl.col("pins").max())
        .filter(pl.col("pins").is_in(SUSPECT_COUNTS))
        .join(whole, on=[*_WINDOW, "pins"], how="anti")
        .group_by("social_network_id", "pins")
        .agg(since=pl.col("snapshot_date").min(), days=pl.col("snapshot_date").n_unique())
        .sort("social_network_id", "pins")
    )
    for account, pins, since, days in windows.select("social_network_id", "pins", "since", "days").iter_rows():
        yield finding_of(
            "possible_cap",
            "warning" if days > 2 else "info",
            account,
            since,
            f"Exactly {pins} pins came for one window on {days} {'day' if days == 1 else 'days'}: "
            "the API may have cut the list.",
            "Compare with the number of posts in the account's totals, and with OneUp's own page.",
        )
