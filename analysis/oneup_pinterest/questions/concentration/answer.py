"""Answer how much of the counts a few pins hold."""

import numpy as np
import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.latest import with_pin_texts
from oneup_pinterest.questions.answer import Answer, no_curves, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.concentration.chart import lorenz_chart, pareto_chart
from oneup_pinterest.questions.concentration.statistic import AGE, concentration, largest_pins, lorenz_curve
from oneup_pinterest.questions.pin_columns import pin_link, pin_name

_EARLIER = 7  # days: the fallback age while pins are young
_PINS = 10  # shown by name
_TENTHS = (5, 10, 20, 30, 50)  # percent of the pins, those with the most counts first


def concentration_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which percentage of all counts at 28 days (7 while pins are young) the best tenth of the pins holds.

    `concentration` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> concentration_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"Do a few pins hold most of the {metric}?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    row = _measured(history, metric)
    if row is None:
        return not_enough_data(question, "no pin has been seen.")
    age = int(row["age"])
    if row["reason"] is not None:
        return not_enough_data(question, f"{row['reason']}.")
    curve = lorenz_curve(history, metric, age)
    sentence = (
        f"The tenth of the pins with most {metric} has {row['top_share']:.0%} of them (95% interval "
        f"{row['top_low']:.0%} to {row['top_high']:.0%}; {row['pins']:,} pins at an age of {age} days with "
        f"{row['total']:,.0f} {metric}). The Gini coefficient is {row['gini']:.2f} ({row['gini_low']:.2f} to "
        f"{row['gini_high']:.2f}; 0 is all alike, 1 is one pin with all)."
    )
    notes = (
        f"Every pin is taken at an age of {age} days, so that old pins do not lead for being old.",
        f"{row['without']:,} of the pins have none. Where {metric} are few, chance is part of the unevenness.",
        "The interval knows pins like those seen so far. If a far larger one comes, the share will be higher.",
    )
    held = np.interp(
        [1 - percent / 100 for percent in _TENTHS], curve["pins_share"].to_numpy(), curve["total_share"].to_numpy()
    )
    table = pl.DataFrame(
        {"Pins with most (%)": _TENTHS, f"Share of the {metric} (%)": [100 * (1 - float(share)) for share in held]}
    )
    return Answer(question, sentence, lorenz_chart(curve, metric, row["top_share"], width), table, notes)


def pareto_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which pins have the most counts at 28 days (7 while pins are young), and their percentage of all.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> pareto_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"Which pins hold most of the {metric}?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    row = _measured(history, metric)
    if row is None:
        return not_enough_data(question, "no pin has been seen.")
    age = int(row["age"])
    ranked = largest_pins(history, metric, age, _PINS)
    if ranked.is_empty():
        return not_enough_data(question, f"no pin seen at an age of {age} days has {metric}.")
    first, last = ranked.row(0, named=True), ranked.row(-1, named=True)
    sentence = (
        f"“{truncate(first['text'], 60) or 'no text'}” has {first['share']:.0%} of all {metric} that "
        f"{row['pins']:,} pins have at an age of {age} days"
    )
    sentence += f"; the first {last['rank']} together have {last['cumulative_share']:.0%}." if last["rank"] > 1 else "."
    table = with_pin_texts(history, ranked).select(
        pl.col("rank").alias("Rank"),
        pin_name(60),
        pin_link(),
        pl.col("value").alias(f"{metric.capitalize()} at {age} days"),
        (100 * pl.col("share")).alias("Share of all (%)"),
        (100 * pl.col("cumulative_share")).alias("Together (%)"),
    )
    notes = ("These are counts as they came: part of the lead of the first is luck, and need not repeat.",)
    return Answer(question, sentence, pareto_chart(ranked, metric, width), table, notes, tuple(ranked["id"]))


def _measured(history: AccountHistory, metric: str) -> dict[str, float] | None:
    """Return the row of `concentration` at 28 days, or at 7 where only that has a result."""
    without = []
    for age in (AGE, _EARLIER):
        for row in concentration(history, metric, age).iter_rows(named=True):
            if row["reason"] is None:
                return row
            without.append(row)
    return max(without, key=lambda row: row["pins"], default=None)
