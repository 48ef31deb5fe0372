"""Answer questions about whole accounts: OneUp's totals, what each day gained, several accounts side by side."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import polars as pl

from oneup_pinterest.formatting import format_day, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import DAYS, HEADLINE
from oneup_pinterest.methods.verdicts import DOWN, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.answer import Answer, interval_text, no_gains, not_enough_data
from oneup_pinterest.questions.chart_style import PER, WIDTH, percent_text
from oneup_pinterest.questions.interval_chart import SIGNS
from oneup_pinterest.questions.overview.chart import (
    ACCOUNTS_SHOWN,
    PROVISIONAL,
    accounts_chart,
    daily_gains_chart,
    now_and_before_chart,
)
from oneup_pinterest.questions.overview.statistic import (
    account_figures,
    adjust_across_accounts,
    totals_with_verdicts,
)

PROVISIONAL_TOTALS = (
    "Provisional: the period was read less than three days after its end, and Pinterest may still restate its last two "
    "days."
)
UNCONFIRMED = "Unconfirmed days hold a rise far beyond all that this account has shown; it may still be taken back."


def totals_answer(history: AccountHistory, *, width: int | str = WIDTH) -> Answer:
    """Answer how OneUp's totals of the newest period compare with the one before, each with a verdict.

    The table has counts and percent; `totals_with_verdicts` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> totals_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = "What are OneUp's totals, and did they change?"
    totals = totals_with_verdicts(history)
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
    reasons = (
        known.filter(pl.col("verdict").is_in([UP, DOWN]).not_())["reason"].drop_nulls().unique(maintain_order=True)
    )
    notes = [
        "A verdict says whether the typical pin gained more or less over the period's whole weeks than the account's "
        "own trend and swings explain, and in the same direction as the total.",
        "Totals and the sum over the pins need not be equal: OneUp does not say which pins a total counts, and "
        "Pinterest counts pins that share an image and a link together. The pins' last two days are left out.",
        *(f"No verdict: {reason}." for reason in reasons),
    ]
    if note := preset_note(history.overview, first["preset"]):
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
        pl.col("pins_change").round(1).alias("Change of the typical pin (%)"),
        pl.col("pins_change_low").round(1).alias("95% interval from (%)"),
        pl.col("pins_change_high").round(1).alias("to (%)"),
        pl.col("pins").alias("Pins"),
        pl.when("is_provisional").then(pl.lit("provisional")).otherwise(pl.lit("settled")).alias("State"),
    )
    chart = now_and_before_chart(shown, width)
    return Answer(question, f"{period}: {'; '.join(words)}.", chart, table, tuple(notes))


def daily_gains_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer how much of a metric each day gained.

    The table has counts per day, from `history.gains.account_daily_gains`.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> daily_gains_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"How many {metric} did each day gain?"
    if why := no_gains(history, metric):
        return Answer(question, why)
    gains = history.account_gains
    rows = gains.filter(pl.col("metric") == metric)
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
    histories: Iterable[AccountHistory], metric: str = "saves", *, days: int = DAYS, width: int | str = WIDTH
) -> Answer:
    """Answer how several accounts compare: what each gained in its last settled days, and whether that changed.

    `histories` may be an iterator, such as `load_account_histories` returns: one of them is in use at a time. The
    table has counts, percent and rates; `accounts_side_by_side` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> side_by_side_answer([history]).sentence.startswith("Not enough data yet")
    True
    """
    names, rows = {}, []
    for history in histories:
        names[history.social_network_id] = history.name or history.social_network_id
        rows.append(account_figures(history, days, _with_headline(metric)))
    return accounts_answer(rows, names, metric, days=days, width=width)


def accounts_answer(
    rows: list[pl.DataFrame],
    names: Mapping[str, str],
    metric: str = "saves",
    *,
    days: int = DAYS,
    width: int | str = WIDTH,
) -> Answer:
    """Return `side_by_side_answer` from the `account_figures` of each account.

    `names` has the names for people per social_network_id.
    """
    question = f"How do the accounts compare in {metric}?"
    if not rows:
        return not_enough_data(question, "no account has been seen.")
    accounts = adjust_across_accounts(pl.concat(rows))
    mine = accounts.filter(pl.col("metric") == metric)
    if mine.is_empty():
        return not_enough_data(question, "no account has been seen.")
    names = dict(names)
    compared = mine.filter(pl.col("p").is_not_null())
    if compared.is_empty():
        reasons = mine["reason"].drop_nulls().unique(maintain_order=True).to_list()
        return not_enough_data(question, f"{reasons[0] if reasons else 'nothing was gained'}.")._replace(
            table=_accounts_table(accounts, metric, names)
        )
    counts = [
        f"{compared.filter(pl.col('verdict') == verdict).height} {verdict}"
        for verdict in (UP, DOWN, WITHIN_NORMAL_VARIATION)
    ]
    first = compared.sort("now", "social_network_id", descending=[True, False]).row(0, named=True)
    name = truncate(names.get(first["social_network_id"]) or first["social_network_id"], 60)
    change = percent_text(first["gained_change"], "from none")
    interval = interval_text(first["change_low"], first["change_high"])
    sentence = (
        f"Of {compared.height} account{'' if compared.height == 1 else 's'} with two comparable periods of {days} "
        f"days: {', '.join(counts)}. Most {metric} came to {name}: {first['now']:,.0f} ({change}; beyond the trend, "
        f"its typical pin {percent_text(first['change'])}, {interval}; {SIGNS[first['verdict']]} {first['verdict']})."
    )
    notes = [
        "Verdicts are adjusted for the number of accounts and metrics (Benjamini and Hochberg): of those given, at "
        "most one in twenty is expected to be false.",
        "Rates are means over the pins of an account, whatever their age.",
    ]
    if mine["peers"].is_not_null().any():
        notes.append(
            "“Against own accounts of its size” is how far an account's gains lie from those of your other accounts "
            "with as many pins, less what chance explains."
        )
    if compared.height > ACCOUNTS_SHOWN:
        notes.append(f"The chart shows the {ACCOUNTS_SHOWN} accounts that gained most; the table has all.")
    if without := mine.height - compared.height:
        notes.append(f"{without} account{'' if without == 1 else 's'} cannot be compared yet; the table says why.")
    return Answer(
        question, sentence, accounts_chart(mine, names, width), _accounts_table(accounts, metric, names), tuple(notes)
    )


def _with_headline(metric: str) -> tuple[str, ...]:
    return HEADLINE if metric in HEADLINE else (*HEADLINE, metric)


def _accounts_table(accounts: pl.DataFrame, metric: str, names: Mapping[str, str]) -> pl.DataFrame:
    """Return one row per account: the chosen metric with its verdict, other gains, rate, followers, last snapshot."""
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
        pl.col("gained_change").round(1).alias("Change (%)"),
        pl.col("change").round(1).alias("Typical pin (%)"),
        pl.col("change_low").round(1).alias("95% interval from (%)"),
        pl.col("change_high").round(1).alias("to (%)"),
        pl.col("peers").round(0).alias("Against own accounts of its size (%)"),
        pl.col("peers_low").round(0).alias("95% interval of that from (%)"),
        pl.col("peers_high").round(0).alias("to that (%)"),
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


def weeks_sentence(gains: pl.DataFrame, metric: str) -> str:
    """Return a sentence on what one account gained in its last 7 settled days and in the 7 before, or why it cannot.

    `gains` has the rows of one account from `account_daily_gains`. The provisional days are left out.

    >>> gains = pl.DataFrame({"metric": "saves", "day": [date(2026, 3, day) for day in range(1, 17)], "gain": 2.0,
    ...     "is_provisional": [False] * 14 + [True] * 2, "pins_fallen": 0, "is_imputed": False})
    >>> weeks_sentence(gains, "saves")
    '14 saves in the 7 days from 8 Mar 2026 to 14 Mar 2026, and 14 in the 7 days before: the same.'
    """
    rows = gains.filter(pl.col("metric") == metric)
    if rows.is_empty():
        return f"Not enough data yet: daily {metric} need at least two syncs on different days."
    rows = rows.filter(~pl.col("is_provisional"))
    last = rows["day"].max()
    if not isinstance(last, date):
        return f"Not enough data yet: all days of {metric} so far are provisional."
    now, before = (
        rows.filter(pl.col("day").is_between(last - timedelta(days=first), last - timedelta(days=first - 6)))
        for first in (6, 13)
    )
    if now.height < 7 or before.height < 7:
        known = now.height + before.height
        return f"Not enough data yet: of two whole weeks of daily {metric}, {known} of 14 days are known."
    if now["gain"].null_count() or before["gain"].null_count():
        return f"Not known: on some of the last 14 days the gain of {metric} is unknown."
    here, there = round(now["gain"].sum()), round(before["gain"].sum())
    word = "the same" if here == there else f"{abs(here - there):,} {'more' if here > there else 'fewer'}"
    both = pl.concat([now, before])
    limits = [
        text
        for text, column in (
            ("gains of some days are spread over gaps", "is_imputed"),
            ("counters that fell are left out", "pins_fallen"),
        )
        if both[column].sum()
    ]
    return (
        f"{here:,} {metric} in the 7 days from {format_day(last - timedelta(days=6))} to {format_day(last)}, "
        f"and {there:,} in the 7 days before: {word}{''.join(f'; {text}' for text in limits)}."
    )


def preset_note(overview: pl.DataFrame, preset: str | None) -> str | None:
    """Return a note on the preset of the totals where a file holds several; None where it holds one.

    >>> overview = pl.DataFrame({"preset": ["last_7_days", "last_30_days"]})
    >>> preset_note(overview, "last_30_days")
    'The file holds totals of last_30_days and last_7_days; these are of last_30_days, which was synced last.'
    """
    presets = sorted(overview["preset"].drop_nulls().unique().to_list())
    if len(presets) < 2:
        return None
    listed = f"{', '.join(presets[:-1])} and {presets[-1]}"
    return f"The file holds totals of {listed}; these are of {preset}, which was synced last."
