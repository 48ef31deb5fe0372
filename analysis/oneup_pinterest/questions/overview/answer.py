"""Answers about accounts as a whole: OneUp's totals, what each day gained, several accounts side by side."""

from collections.abc import Mapping

import polars as pl

from oneup_pinterest.formatting import format_day, truncate
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.summaries import PROVISIONAL_TOTALS, preset_note, refusal, weeks_sentence
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.change.answer import interval_text
from oneup_pinterest.questions.change.chart import (
    ACCOUNTS_SHOWN,
    SIGNS,
    accounts_chart,
    now_and_before_chart,
    percent_text,
)
from oneup_pinterest.questions.change.statistic import DAYS
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.daily_chart import PROVISIONAL, daily_gains_chart
from oneup_pinterest.questions.overview.statistic import accounts_side_by_side, totals_with_verdicts
from oneup_pinterest.questions.rates.chart import PER

UNCONFIRMED = "Unconfirmed days hold a rise far beyond all that this account has shown; it may still be taken back."


def totals_answer(
    overview: pl.DataFrame,
    pins: pl.DataFrame,
    *,
    totals: pl.DataFrame | None = None,
    gains: pl.DataFrame | None = None,
    account_gains: pl.DataFrame | None = None,
    width: int | str = WIDTH,
) -> Answer:
    """OneUp's totals of the newest period against the one before, each with the verdict that the pins can carry.

    `totals`, where known already, is `totals_with_verdicts` of the same frames; `gains` and `account_gains` as for
    `account_change`, of all five metrics.
    """
    question = "What are OneUp's totals, and did they change?"
    if totals is None:
        totals = totals_with_verdicts(overview, pins, gains=gains, account_gains=account_gains)
    known = totals.filter(pl.col("now").is_not_null() | pl.col("before").is_not_null())
    if known.is_empty():
        return not_enough_data(question, "no account totals have been synced.")
    first = known.row(0, named=True)
    period = f"{format_day(first['period_start'])} to {format_day(first['period_end'])}, against the period before"
    is_provisional = known["is_provisional"].any()
    if is_provisional:
        period += " (provisional)"
    words = []
    for row in known.iter_rows(named=True):
        now = "unknown" if row["now"] is None else f"{row['now']:,.0f}"
        change = percent_text(row["change"], "change unknown" if row["direction"] == "unknown" else row["direction"])
        verdict = f", {row['verdict']}" if row["verdict"] else ""
        words.append(f"{row['key']} {now} ({change}{verdict})")
    reasons = known.filter(pl.col("verdict") == "cannot tell")["reason"].drop_nulls().unique(maintain_order=True)
    notes = [
        "A verdict says whether the gains of the pins over as many days changed by more than chance, and in the same "
        "direction; without one, the change is what OneUp says and may be chance.",
        "Totals and the sum over the pins need not be equal: OneUp does not say which pins a total counts, and "
        "Pinterest counts pins that share an image and a link together. The pins' last two days are left out.",
        *(f"Cannot tell: {reason}." for reason in reasons),
    ]
    mine = overview.filter(pl.col("social_network_id").is_in(known["social_network_id"].unique().implode()))
    if note := preset_note(mine, first["preset"]):
        notes.insert(0, note)
    if is_provisional:
        notes.insert(0, PROVISIONAL_TOTALS)
    shown = known.select(pl.col("key").alias("metric"), "now", "before", "verdict", "is_provisional")
    table = known.select(
        pl.col("key").str.to_titlecase().alias("Metric"),
        pl.col("now").alias("Now (count)"),
        pl.col("before").alias("Before (count)"),
        pl.col("change").round(1).alias("Change (%)"),
        pl.coalesce("verdict", pl.lit("counted")).alias("Verdict"),
        pl.col("pins_change").round(1).alias("Change of the pins' gains (%)"),
        pl.col("pins_change_low").round(1).alias("95% interval from (%)"),
        pl.col("pins_change_high").round(1).alias("to (%)"),
        pl.col("pins").alias("Pins"),
        pl.when("is_provisional").then(pl.lit("provisional")).otherwise(pl.lit("settled")).alias("State"),
    )
    chart = now_and_before_chart(shown, width)
    return Answer(question, f"{period}: {'; '.join(words)}.", chart, table, tuple(notes))


def daily_gains_answer(
    pins: pl.DataFrame, metric: str = "saves", *, account_gains: pl.DataFrame | None = None, width: int | str = WIDTH
) -> Answer:
    """What each day gained of a metric. `account_gains` is `account_daily_gains` of these pins, if known."""
    question = f"How many {metric} did each day gain?"
    gains = account_daily_gains(pins, [metric]) if account_gains is None else account_gains
    rows = gains.filter(pl.col("metric") == metric)
    if not rows["kind"].is_in(USABLE).all():
        return Answer(question, refusal(metric))
    if rows.is_empty():
        return not_enough_data(question, f"daily {metric} need at least two syncs on different days.")
    table = (
        rows.sort("day", descending=True)
        .head(30)
        .select(
            pl.col("day").alias("Day"),
            pl.col("gain").round(1).alias(f"{metric.capitalize()} gained"),
            pl.col("pins_observed").alias("Pins seen"),
            pl.when(pl.col("pins_unconfirmed") > 0)
            .then(pl.lit("unconfirmed"))
            .when("is_provisional")
            .then(pl.lit("provisional"))
            .when("is_imputed")
            .then(pl.lit("spread over a gap"))
            .when(pl.col("gain").is_null())
            .then(pl.lit("unknown"))
            .otherwise(pl.lit("settled"))
            .alias("State"),
        )
    )
    notes = (
        PROVISIONAL,
        "Pale bars hold gains spread evenly over days without a sync.",
        *([UNCONFIRMED] if (rows["pins_unconfirmed"] > 0).any() else []),
    )
    return Answer(question, weeks_sentence(gains, metric), daily_gains_chart(gains, metric, width), table, notes)


def side_by_side_answer(
    pins: pl.DataFrame,
    followers: pl.DataFrame,
    metric: str = "saves",
    *,
    names: Mapping[str, str] | None = None,
    accounts: pl.DataFrame | None = None,
    days: int = DAYS,
    width: int | str = WIDTH,
) -> Answer:
    """Several accounts: what each gained in its last settled days, and whether that changed.

    `pins` and `followers` are of all accounts; `names` are names for people per social_network_id (`account_names`);
    `accounts`, where known already, is `accounts_side_by_side` of the same frames.
    """
    question = f"How do the accounts compare in {metric}?"
    if accounts is None:
        accounts = accounts_side_by_side(pins, followers, days, _with_headline(metric))
    mine = accounts.filter(pl.col("metric") == metric)
    if mine.is_empty():
        return not_enough_data(question, "no account has been seen.")
    names = dict(names or {})
    told = mine.filter(pl.col("p").is_not_null())
    if told.is_empty():
        reasons = mine["reason"].drop_nulls().unique(maintain_order=True).to_list()
        return not_enough_data(question, f"{reasons[0] if reasons else 'nothing was gained'}.")._replace(
            table=_accounts_table(accounts, metric, names)
        )
    counts = [
        f"{told.filter(pl.col('verdict') == verdict).height} {verdict}" for verdict in ("up", "down", "cannot tell")
    ]
    first = told.sort("now", "social_network_id", descending=[True, False]).row(0, named=True)
    name = truncate(names.get(first["social_network_id"]) or first["social_network_id"], 60)
    change = "" if first["change"] is None else f"{percent_text(first['change'])}, "
    interval = interval_text(first["change_low"], first["change_high"])
    sentence = (
        f"Of {told.height} account{'' if told.height == 1 else 's'} with two comparable periods of {days} days: "
        f"{', '.join(counts)}. Most {metric} came to {name}: {first['now']:,.0f} ({change}{interval}; "
        f"{SIGNS[first['verdict']]} {first['verdict']})."
    )
    notes = [
        "Verdicts are adjusted for the number of accounts and metrics (Benjamini and Hochberg): of those given, at "
        "most one in twenty is expected to be false.",
        "Rates are means over the pins of an account, whatever their age.",
    ]
    if told.height > ACCOUNTS_SHOWN:
        notes.append(f"The chart shows the {ACCOUNTS_SHOWN} accounts that gained most; the table has all.")
    if without := mine.height - told.height:
        notes.append(f"{without} account{'' if without == 1 else 's'} cannot be compared yet; the table says why.")
    return Answer(
        question, sentence, accounts_chart(mine, names, width), _accounts_table(accounts, metric, names), tuple(notes)
    )


def _with_headline(metric: str) -> tuple[str, ...]:
    headline = ("saves", "repins", "clicks")
    return headline if metric in headline else (*headline, metric)


def _accounts_table(accounts: pl.DataFrame, metric: str, names: Mapping[str, str]) -> pl.DataFrame:
    """One row an account: the chosen metric with its verdict, the others' gains, rate, followers, last snapshot."""
    mine = accounts.filter(pl.col("metric") == metric)
    others = [name for name in accounts["metric"].unique(maintain_order=True).to_list() if name != metric]
    for other in others:
        gained = accounts.filter(pl.col("metric") == other).select("social_network_id", pl.col("now").alias(other))
        mine = mine.join(gained, on="social_network_id", how="left")
    name = pl.col("social_network_id").map_elements(
        lambda account: truncate(names.get(account) or account, 60), return_dtype=pl.String
    )
    rate = f"{metric.capitalize()} per {PER:,} impressions"
    return mine.sort("now", "social_network_id", descending=[True, False], nulls_last=True).select(
        name.alias("Account"),
        pl.col("now").round(0).alias(f"{metric.capitalize()} gained"),
        pl.col("change").round(1).alias("Change (%)"),
        pl.col("change_low").round(1).alias("95% interval from (%)"),
        pl.col("change_high").round(1).alias("to (%)"),
        pl.when(pl.col("reason").is_null())
        .then("verdict")
        .otherwise(pl.concat_str("verdict", pl.lit(": "), "reason"))
        .alias("Verdict"),
        *(pl.col(other).round(0).alias(f"{other.capitalize()} gained") for other in others),
        (pl.col("rate") * PER).alias(rate),
        (pl.col("rate_low") * PER).alias("95% interval of the rate from"),
        (pl.col("rate_high") * PER).alias("to it"),
        pl.col("pins_published").alias("Pins published"),
        pl.col("followers").alias("Followers"),
        pl.col("last_snapshot").alias("Last snapshot"),
    )
