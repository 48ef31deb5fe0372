"""Answer questions about rates: saves, repins or clicks per impression, and which pins are best and worst."""

import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.pin_rates import pin_rates
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.chart_style import PER, WIDTH
from oneup_pinterest.questions.pin_columns import pin_link, pin_name
from oneup_pinterest.questions.rates.chart import SHOWN, funnel_chart, rates_caterpillar, shrinkage_chart
from oneup_pinterest.questions.rates.statistic import P_IN, TOP, beyond_chance, ranked_pins

TABLE_ROWS = 30
MIN_PINS = 3  # fewer have no common rate
_FEW_PINS = 30  # with fewer, the prior itself is uncertain
_SURE = 0.8  # minimum probability to call a pin one of the best


def rates_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which rates the account's pins have, raw and shrunk, per 1,000 impressions.

    `history.pin_rates.pin_rates` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> rates_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"How many {metric} per impression?"
    rates = pin_rates(history, metric)
    known = rates.drop_nulls("rate")
    if why := _why_not(rates, known, metric):
        return not_enough_data(question, why)
    first, middle = known.row(0, named=True), known["rate"].median()
    ends = known.select(low=pl.col("rate").quantile(0.1), high=pl.col("rate").quantile(0.9)).row(0)
    sentence = (
        f"A pin of this account is expected to bring {first['prior_mean'] * PER:.1f} {metric} per {PER:,} impressions: "
        f"of {known.height:,} pins, the middle one {float(str(middle)) * PER:.1f}, eight in ten between "
        f"{ends[0] * PER:.1f} and {ends[1] * PER:.1f}. A raw rate weighs as much as that expectation at "
        f"{first['prior_strength']:,.0f} impressions."
    )
    shown = known.sort("impressions", "id", descending=[True, False]).head(TABLE_ROWS)
    chart = shrinkage_chart(rates, metric, width)
    return Answer(question, sentence, chart, _table(shown, metric), _notes(rates, known), tuple(shown["id"]))


def funnel_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer whether the rates of pins differ by more than chance, with a funnel plot (Spiegelhalter 2005).

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> funnel_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"Do pins differ in {metric} per impression, or is it chance?"
    rates = pin_rates(history, metric)
    known = rates.drop_nulls("rate")
    if why := _why_not(rates, known, metric):
        return not_enough_data(question, why)
    mean, outside = beyond_chance(rates)
    share = outside / known.height
    summary = "Pins do differ" if share > 0.1 else "Most of what differs between pins is chance"
    sentence = (
        f"{summary}: {outside:,} of {known.height:,} pins ({share:.0%}) lie outside the limits that would hold 95% of "
        f"them if all had the same {mean * PER:.1f} {metric} per {PER:,} impressions."
    )
    return Answer(question, sentence, funnel_chart(rates, metric, width), None, _notes(rates, known))


def ranking_answer(
    history: AccountHistory, metric: str = "saves", side: str = "best", *, width: int | str = WIDTH
) -> Answer:
    """Answer which pins are best or worst by shrunk rate, and how certain that is. `side` is `best` or `worst`.

    The table has rates per 1,000 impressions; `ranked_pins` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> ranking_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"Which pins have the {'most' if side == 'best' else 'fewest'} {metric} per impression?"
    rates = pin_rates(history, metric)
    known = rates.drop_nulls("rate")
    if why := _why_not(rates, known, metric):
        return not_enough_data(question, why)
    among = max(1, min(TOP, known.height // 5))  # with few pins, nearly all would be among the best ten
    ranked = ranked_pins(history, metric, among)
    shown = ranked.sort("rank", descending=side == "worst").head(min(SHOWN, -(-known.height // 2)))
    top, chance = shown.row(0, named=True), P_IN[side]
    sure = int((shown[chance] >= _SURE).sum())
    sentence = (
        f"{'Best' if side == 'best' else 'Worst'} is “{truncate(top['text'], 60) or top['id']}” with "
        f"{top['rate'] * PER:.1f} {metric} per {PER:,} impressions (95% interval {top['rate_low'] * PER:.1f} to "
        f"{top['rate_high'] * PER:.1f}); the account's mean is {top['prior_mean'] * PER:.1f}. "
    )
    claimed = f"{sure} {'is' if sure == 1 else 'are'}" if sure else "none is"
    sentence += (
        f"Of the {shown.height} shown, {claimed} truly among the {among} {side} with a chance of at least "
        f"{_SURE:.0%}, out of {ranked.height:,} pins{'' if sure else ': their order is mostly chance'}."
    )
    table = _table(shown, metric, chance, among)
    chart = rates_caterpillar(ranked, metric, side, shown.height, width)
    return Answer(question, sentence, chart, table, _notes(rates, known), tuple(shown["id"]))


def _why_not(rates: pl.DataFrame, known: pl.DataFrame, metric: str) -> str | None:
    if known.height >= MIN_PINS:
        return None
    reasons = rates["reason"].drop_nulls().unique(maintain_order=True).to_list()
    left_out = f" ({'; '.join(reasons[:2])})" if reasons else ""
    return (
        f"rates need at least {MIN_PINS} pins with impressions and a known count of {metric}; "
        f"there {'is' if known.height == 1 else 'are'} {known.height}{left_out}."
    )


def _notes(rates: pl.DataFrame, known: pl.DataFrame) -> tuple[str, ...]:
    notes = [
        "A rate from few impressions is mostly luck, so each is drawn towards the account's mean, the more so the "
        "fewer impressions it rests on (empirical Bayes). The interval also holds if a pin is unlike the others.",
        "Rates are about what has been: they do not forecast how the next people will respond. Counters as last seen; "
        "pins of any age are compared.",
    ]
    if earlier := int(known["is_earlier"].sum()):
        notes.append(
            f"Of {earlier:,} pin{'' if earlier == 1 else 's'} the newest counters are missing, cannot be or may still "
            "be taken back; those of an earlier snapshot are shown."
        )
    if known["is_rolling"].any():
        notes.append("The counters are rolling ones: these are rates of a window of days, not of a pin's whole life.")
    if known.height < _FEW_PINS:
        notes.append(f"With {known.height} pins the common rate itself is uncertain.")
    for reason, count in rates.drop_nulls("reason").group_by("reason").len().sort("reason").iter_rows():
        notes.append(f"Left out: {count:,} pin{'' if count == 1 else 's'} with {reason}.")
    return tuple(notes)


def _table(rates: pl.DataFrame, metric: str, chance: str | None = None, among: int = TOP) -> pl.DataFrame:
    """Return the rates of pins; `chance` is the column with their chance to be among the best or worst."""
    unit = f"per {PER:,} impressions"
    side = next((side for side, column in P_IN.items() if column == chance), "")
    return rates.select(
        pin_name(60),
        pin_link(),
        pl.col("impressions").alias("Impressions"),
        pl.col("count").alias(metric.capitalize()),
        (pl.col("raw") * PER).alias(f"Raw {metric} {unit}"),
        (pl.col("rate") * PER).alias(f"Shrunk {metric} {unit}"),
        (pl.col("rate_low") * PER).alias("95% interval from"),
        (pl.col("rate_high") * PER).alias("to"),
        *([(pl.col(chance) * 100).round(0).alias(f"Chance to be among the {among} {side} (%)")] if chance else []),
    )
