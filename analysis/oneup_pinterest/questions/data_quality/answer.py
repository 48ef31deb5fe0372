"""Answer questions about the data: are they complete, what did the checks find, what is assumed?"""

from collections.abc import Sequence

import polars as pl

from oneup_pinterest.formatting import format_day
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE, counter_types
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.api_assumptions import CONTRADICTED, SUPPORTED, UNDECIDED, judge_assumptions
from oneup_pinterest.quality.checks.snapshots import snapshot_coverage
from oneup_pinterest.quality.findings import SEVERITIES, Finding, findings_frame, group_over_accounts
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.data_quality.chart import WEEKS_SHOWN, sync_calendar_chart

GRAVITY = {"error": "wrong", "warning": "careful", "info": "note"}
ROWS = 30


def coverage_answer(history: AccountHistory, *, width: int | str = WIDTH) -> Answer:
    """Answer on which days one account was synced.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> coverage_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: this account has no snapshot.'
    """
    question = "Was there a sync every day?"
    coverage = snapshot_coverage(history.pins, history.followers)
    if coverage.is_empty():
        return not_enough_data(question, "this account has no snapshot.")
    first, last = coverage["day"][0], coverage["day"][-1]
    synced, days = coverage.filter("is_synced").height, coverage.height
    covers = f"{synced:,} of {days:,} days from {format_day(first)} to {format_day(last)} have a snapshot"
    gaps = (
        coverage.with_columns(run=pl.col("is_synced").rle_id())
        .filter(~pl.col("is_synced"))
        .group_by("run", maintain_order=True)
        .agg(first=pl.col("day").first(), last=pl.col("day").last(), days=pl.len().cast(pl.Int64))
    )
    if gaps.is_empty():
        sentence = f"Yes: {covers}." if days > 1 else f"There is one snapshot so far, of {format_day(first)}."
    else:
        longest = gaps.sort("days", "first", descending=True).row(0, named=True)
        length = "one day" if longest["days"] == 1 else f"{longest['days']:,} days"
        sentence = f"No: {covers}; the longest gap is of {length}, from {format_day(longest['first'])}."
    notes = ["× is a day without a sync. What was gained over a gap is spread evenly over its days, and marked."]
    if days > 7 * WEEKS_SHOWN:
        notes.append(f"The chart shows the last {WEEKS_SHOWN} weeks.")
    table = gaps.tail(ROWS).select(
        pl.col("first").alias("First day without a sync"),
        pl.col("last").alias("Last day without a sync"),
        pl.col("days").alias("Days"),
    )
    return Answer(question, sentence, sync_calendar_chart(coverage, width), table, tuple(notes))


def findings_answer(found: Sequence[Finding]) -> Answer:
    """Answer what the checks found, from the findings of `find_problems`: of one account, of all, or of a whole file.

    >>> findings_answer([]).sentence
    'Nothing: all checks passed.'
    """
    question = "What should be known before a figure is trusted?"
    if not found:
        return Answer(question, "Nothing: all checks passed.")
    shown = findings_frame(group_over_accounts(found))
    counts = [shown.filter(pl.col("severity") == severity).height for severity in SEVERITIES]
    words = ("wrong", "to be careful with", "to know")
    parts = [f"{count:,} {word}" for count, word in zip(counts, words, strict=True) if count]
    table = shown.head(ROWS).select(
        pl.col("severity").replace_strict(GRAVITY, return_dtype=pl.String).alias("How grave"),
        pl.col("where").replace("all", "all accounts").alias("Where"),
        pl.col("since").alias("Since"),
        pl.col("what").alias("What"),
        pl.col("what_to_do").alias("What to do"),
    )
    things = "One thing was" if shown.height == 1 else f"{shown.height:,} things were"
    return Answer(question, f"{things} found: {', '.join(parts)}.", table=table)


def counter_types_answer(history: AccountHistory) -> Answer:
    """Answer which counters of one account count a pin's whole life (`history.counter_types`).

    >>> from oneup_pinterest.database.schema import TABLES
    >>> counter_types_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: no pin was seen at two syncs.'
    """
    question = "Which counters can be used for daily gains?"
    types = counter_types(history)
    if types.is_empty():
        return not_enough_data(question, "no pin was seen at two syncs.")
    usable = types.filter(pl.col("counter_type").is_in(USABLE))["metric"].to_list()
    others = types.filter(~pl.col("counter_type").is_in(USABLE))["metric"].to_list()
    falls, rises = sum(types["falls"].to_list()), sum(types["rises"].to_list())
    moved = f"Of {falls + rises:,} times that a counter moved, it fell {falls:,} times"
    if not others:
        sentence = f"{moved}: all can be used."
    elif not usable:
        sentence = f"{moved}: none can be used, because they count a window of days that moves on."
    else:
        sentence = f"{moved}: {', '.join(usable)} can be used, {', '.join(others)} cannot."
    notes = [
        "A lifetime counter never falls, but for a restatement. A rolling one, of the last 30 or 90 days, falls in "
        "pins older than that. Growth curves take lifetime counters only; of restated ones most pins fell at a sync.",
    ]
    known = types.filter(pl.col("counter_type").is_in(USABLE) & pl.col("rules_out_days").is_null())["metric"].to_list()
    if known:
        notes.append(f"Too little was seen of {', '.join(known)} to judge. They are assumed to be lifetime counters.")
    table = types.select(
        pl.col("metric").alias("Counter"),
        pl.col("counter_type").alias("Counter type"),
        pl.col("rises").alias("Times it rose"),
        pl.col("falls").alias("Times it fell"),
        pl.col("restatements").alias("Syncs that restated many"),
        pl.col("resets").alias("Syncs that reset most"),
        pl.col("pins_reset").alias("Pins reset alone"),
        pl.col("rules_out_days").alias("Rules out windows up to (days)"),
    )
    return Answer(question, sentence, table=table, notes=tuple(notes))


def assumptions_answer(history: LoadedHistory) -> Answer:
    """Answer whether the data support the assumptions about the API, from one account, or better from all.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> assumptions_answer(LoadedHistory(pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Of 8 assumptions about the API, the data support 0 and contradict 0; 8 are undecided.'
    """
    tested = judge_assumptions(history)
    count = {verdict: tested.filter(pl.col("verdict") == verdict).height for verdict in tested["verdict"].unique()}
    supported, contradicted, undecided = (count.get(verdict, 0) for verdict in (SUPPORTED, CONTRADICTED, UNDECIDED))
    sentence = (
        f"Of {tested.height} assumptions about the API, the data support {supported} and contradict {contradicted}; "
        f"{undecided} {'is' if undecided == 1 else 'are'} undecided."
    )
    table = tested.select(
        pl.col("assumption").alias("Assumption"),
        pl.col("verdict").alias("Verdict"),
        pl.col("evidence").alias("Evidence"),
    )
    return Answer("Do the data bear out what is assumed about the API?", sentence, table=table)
