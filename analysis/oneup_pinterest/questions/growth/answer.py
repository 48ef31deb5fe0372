"""Answer how pins grow with age, how soon they reach half of their count, and how much comes from old pins."""

import polars as pl

from oneup_pinterest.formatting import format_day
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.answer import Answer, no_curves, no_gains, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.growth.age_bands import age_band_shares, weekly_gains_by_age
from oneup_pinterest.questions.growth.chart import age_bands_chart, growth_chart, half_life_chart
from oneup_pinterest.questions.growth.half_life import half_life_curve, half_lives
from oneup_pinterest.questions.growth.statistic import (
    MAX_MISFIT,
    MIN_COUNT,
    MIN_PINS,
    MIN_PINS_TAILS,
    followed_pins,
    growth_curves,
    growth_fit,
)

_AGES = (1, 2, 3, 5, 7, 14, 21, 30, 45, 60, 90)
_SAME_PINS = (
    "The pins are the same at every age: those followed from their first day on. Pins too young, or first seen too "
    "late, are left out."
)
_EARLY = "The first two ages come out a little low: Pinterest still restates the last two days."


def growth_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which counts pins have at each age, up to the longest horizon (90, 30, 7 days) that 20 pins reached.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> growth_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: growth curves need at least 5 pins followed to age 7; there are 0.'
    """
    question = f"How do a pin's {metric} grow with its age?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    horizon, followed = _horizon(history, metric)
    curves = growth_curves(history, metric, horizon)
    counts = curves.filter(pl.col("measure") == "count")
    if counts.is_empty():
        return _too_few(question, followed)
    at = {row["age"]: row for row in counts.iter_rows(named=True)}
    early, late = at[min(7, horizon)], at[horizon]
    interval = f"95% interval {early['low']:,.0f} to {early['high']:,.0f}; " if early["low"] is not None else ""
    sentence = (
        f"The median pin has {early['median']:,.0f} {metric} at an age of {early['age']} days ({interval}half of the "
        f"pins have {early['p25']:,.0f} to {early['p75']:,.0f})"
    )
    if horizon > 7:
        sentence += f" and {late['median']:,.0f} at {horizon} days"
    sentence += f", of {late['pins']:,} pins followed that long."
    spread = "The dark band holds the middle half of the pins" + (
        ", the pale one eight in ten" if late["pins"] >= MIN_PINS_TAILS else ""
    )
    notes = (f"{spread}; both are the spread of pins, not an uncertainty.", _SAME_PINS, _EARLY)
    return Answer(
        question, sentence, growth_chart(counts, metric, "count", width), _growth_table(counts, metric), notes
    )


def followed_answer(history: AccountHistory, metric: str = "saves") -> Answer:
    """Answer up to which ages pins were followed, and why others were not. The table has numbers of pins.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> followed_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: no pin has been seen.'
    """
    question = f"How many pins can be followed by their {metric}?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    rows = followed_pins(history, metric)
    if rows.is_empty():
        return not_enough_data(question, "no pin has been seen.")
    summary = ", ".join(f"{row['pins']:,} to {row['horizon']} days" for row in rows.iter_rows(named=True))
    table = rows.select(
        pl.col("horizon").alias("Horizon (days)"),
        pl.col("pins").alias("Pins followed"),
        pl.col("too_young").alias("Too young (pins)"),
        pl.col("unobserved").alias("First seen late, or with a gap (pins)"),
        pl.col("lost").alias("Not seen to the end (pins)"),
    )
    return Answer(question, f"Pins followed from their first days by their {metric}: {summary}.", None, table)


def growth_share_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which percentage of its count at the horizon a pin has at each earlier age.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> growth_share_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"How much of a pin's {metric} comes early?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    horizon, _ = _horizon(history, metric)
    curves = growth_curves(history, metric, horizon)
    shares = curves.filter(pl.col("measure") == "share")
    if shares.is_empty():
        return not_enough_data(
            question,
            f"{MIN_PINS} pins followed to age {horizon} with at least {MIN_COUNT} {metric} at that age are needed.",
        )
    at = {row["age"]: row for row in shares.iter_rows(named=True)}
    named = [age for age in (1, 3, 7, 30) if age < horizon]
    summary = ", ".join(f"{at[age]['median']:.0%} at {age} {'day' if age == 1 else 'days'}" for age in named)
    sentence = (
        f"Of the {metric} that it has at {horizon} days, the median pin has {summary} "
        f"({at[1]['pins']:,} pins with at least {MIN_COUNT} {metric})."
    )
    fit = growth_fit(curves).row(0, named=True)
    fitted = (
        (
            f"K(1 − exp(−(age/s)^k)) with s = {fit['scale_days']:.1f} days and k = {fit['shape']:.2f} follows the "
            f"median within {fit['misfit']:.0%} of the final value."
        )
        if fit["reason"] is None
        else f"No simple curve K(1 − exp(−(age/s)^k)) follows the median within {MAX_MISFIT:.0%} of the final value."
    )
    table = _share_table(shares, horizon)
    return Answer(question, sentence, growth_chart(shares, metric, "share", width), table, (fitted, _SAME_PINS, _EARLY))


def half_life_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer at which age (days) half of the pins have half of their count at 7, 30 and 90 days.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> half_life_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"How soon does a pin have half of its {metric}?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    lives = half_lives(history, metric)
    known = lives.filter(pl.col("reason").is_null())
    if known.is_empty():
        reason = lives["reason"][0] if lives.height else "no pin has been seen"
        return not_enough_data(question, f"{reason}.")
    main = known.sort(pl.col("horizon") != 30, pl.col("horizon")).row(0, named=True)
    sentence = (
        f"Half of the pins have half of their {metric} of {main['horizon']} days by an age of {main['half_life']:.1f} "
        f"days ({_interval(main)}; {main['pins']:,} pins with at least {MIN_COUNT} {metric} at "
        f"{main['horizon']} days)."
    )
    for row in lives.iter_rows(named=True):
        if row["horizon"] == main["horizon"]:
            continue
        if row["reason"] is None:
            sentence += (
                f" Of their {metric} of {row['horizon']} days, by {row['half_life']:.1f} days ({_interval(row)}; "
                f"{row['pins']:,} pins)."
            )
        else:
            sentence += f" There is none for {row['horizon']} days: {row['reason']}."
    left_out = (
        f"For {main['horizon']} days, {main['too_young']:,} pins are too young, {main['unobserved']:,} were first seen "
        f"too late or with a gap, and {main['too_few']:,} have fewer than {MIN_COUNT} {metric}: all are left out."
    )
    notes = ["A half-life is of a horizon: a later one gives a longer half-life.", left_out]
    if main["censored"]:
        notes.append(f"{main['censored']:,} pins vanished before; they count as long as they were seen (Kaplan-Meier).")
    notes.append("Chance in counts makes pins look about 3% faster than they are; the interval allows for that.")
    curve = half_life_curve(history, metric, main["horizon"])
    table = lives.select(
        pl.col("horizon").alias("Horizon (days)"),
        pl.col("half_life").alias("Half-life (days)"),
        pl.col("low").alias("95% from (days)"),
        pl.col("high").alias("95% to (days)"),
        pl.col("pins").alias("Pins"),
        pl.col("too_young").alias("Too young (pins)"),
        pl.col("unobserved").alias("Not seen from the start (pins)"),
        pl.col("too_few").alias(f"Under {MIN_COUNT} {metric} (pins)"),
    )
    return Answer(question, sentence, half_life_chart(curve, metric, width), table, tuple(notes))


def evergreen_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which percentage of the gains of the last 30 settled days came from pins older than 60 and 90 days.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> evergreen_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"How much of the {metric} comes from old pins?"
    if why := no_gains(history, metric):
        return Answer(question, why)
    shares = age_band_shares(history, metric)
    of = {row["band"]: row for row in shares.iter_rows(named=True)}
    if not of:
        return not_enough_data(question, "no pin has been seen.")
    old, oldest = of["over 60"], of["over 90"]
    young = of["1 to 7"]
    if all(row["share"] is None for row in of.values()):
        return not_enough_data(question, f"{young['reason']}.")
    span = (
        f"Of the {old['total']:,.0f} {metric} that observed pins gained in the {old['days']} settled days from "
        f"{format_day(old['first_day'])} to {format_day(old['last_day'])}"
    )
    if old["share"] is None:
        sentence = (
            f"{span}, the share of pins older than 60 days is not known: {old['reason']} (the oldest was at "
            f"{old['oldest_age']} days)."
        )
    else:
        sentence = (
            f"{span}, {old['share']:.0%} came from pins older than 60 days (95% interval {old['low']:.0%} to "
            f"{old['high']:.0%}; {old['pins']:,} of {old['all_pins']:,} pins)."
        )
        if oldest["share"] is not None:
            sentence += (
                f" Pins older than 90 days brought {oldest['share']:.0%} ({oldest['low']:.0%} to {oldest['high']:.0%})."
            )
        else:
            sentence += (
                f" What pins older than 90 days brought is not known: the oldest observed was at {old['oldest_age']} "
                "days, as a sync looks back 90 days unless configured otherwise."
            )
    table = shares.filter(pl.col("band") != "over 60").select(
        pl.col("band").alias("Age of the pin (days)"),
        pl.col("pins").alias("Pins observed"),
        pl.when(pl.col("pins") > 0).then(pl.col("gain").round(1)).alias(f"{metric.capitalize()} gained"),
        (100 * pl.col("share")).alias("Share (%)"),
        (100 * pl.col("low")).alias("95% from (%)"),
        (100 * pl.col("high")).alias("95% to (%)"),
    )
    weekly = weekly_gains_by_age(history, metric)
    chart = None if weekly.is_empty() else age_bands_chart(weekly, metric, width)
    notes = (
        "Shares are of pins that were observed; a pin that is not seen any more is in none of them.",
        "The last two days are left out, and so are weeks without all seven days.",
    )
    return Answer(question, sentence, chart, table, notes)


def _horizon(history: AccountHistory, metric: str) -> tuple[int, dict[int, int]]:
    """Return the longest horizon that 20 pins reached, or else the one with most pins; and the pins per horizon."""
    followed = dict(followed_pins(history, metric).select("horizon", "pins").iter_rows())
    many = [horizon for horizon, count in followed.items() if count >= MIN_PINS_TAILS]
    some = [horizon for horizon, count in followed.items() if count == max(followed.values())]
    return (max(many) if many else max(some) if some and max(followed.values()) else 7), followed


def _too_few(question: str, followed: dict[int, int]) -> Answer:
    return not_enough_data(
        question, f"growth curves need at least {MIN_PINS} pins followed to age 7; there are {followed.get(7, 0)}."
    )


def _growth_table(counts: pl.DataFrame, metric: str) -> pl.DataFrame:
    return counts.filter(pl.col("age").is_in(_AGES)).select(
        pl.col("age").alias("Age (days)"),
        pl.col("median").alias(f"Median {metric}"),
        pl.col("low").alias("Median, 95% from"),
        pl.col("high").alias("Median, 95% to"),
        pl.col("p25").alias("A quarter below"),
        pl.col("p75").alias("A quarter above"),
        pl.col("p90").alias("A tenth above"),
        pl.col("pins").alias("Pins"),
    )


def _share_table(shares: pl.DataFrame, horizon: int) -> pl.DataFrame:
    return shares.filter(pl.col("age").is_in(_AGES)).select(
        pl.col("age").alias("Age (days)"),
        (100 * pl.col("median")).alias(f"Median share of {horizon} days (%)"),
        (100 * pl.col("low")).alias("Median, 95% from (%)"),
        (100 * pl.col("high")).alias("Median, 95% to (%)"),
        (100 * pl.col("p25")).alias("A quarter of pins below (%)"),
        (100 * pl.col("p75")).alias("A quarter of pins above (%)"),
        pl.col("pins").alias("Pins"),
    )


def _interval(row: dict[str, float | None]) -> str:
    if row["high"] is None:
        return f"95% interval from {row['low']:.1f} on"
    return f"95% interval {row['low']:.1f} to {row['high']:.1f}"
