"""Answer whether pins of one format do better than those of another, at one age and among the same weeks."""

from typing import Any

import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.verdicts import LESS, MORE, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.answer import Answer, most_certain, no_curves, not_enough_data, shown_text, too_few
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.formats.chart import formats_chart
from oneup_pinterest.questions.formats.statistic import UNKNOWN, By, format_differences

_NAMES = {"format": "format", "media_type": "media type"}
_MAX_NAMED = 3  # pairs in a paragraph; more are hard to read


def format_answer(
    history: AccountHistory, metric: str = "saves", by: By = "format", *, width: int | str = WIDTH
) -> Answer:
    """Answer which formats (or media types) have more of `metric` after 7 days.

    The table has counts and ratios; `compared_formats` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> format_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: formats need at least 20 pins whose saves after 7 days are known; there are 0.'
    """
    name = _NAMES[by]
    question = f"Does the {name} of a pin make a difference to its {metric}?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    outcomes = history.first_week(metric)
    if why := too_few(outcomes, f"{name}s", metric):
        return not_enough_data(question, why)
    kinds = outcomes[by].fill_null(UNKNOWN).replace("", UNKNOWN).unique()
    if kinds.len() == 1:
        only = f" ({_named(kinds[0])})" if kinds[0] != UNKNOWN else f": the {name} is unknown"
        return Answer(
            question, f"All {outcomes.height:,} pins are of one {name}{only}, so there is nothing to compare."
        )
    pairs = format_differences(history, metric, by)
    table = _table(pairs, metric)
    known = pairs.drop_nulls("ratio")
    if known.is_empty():
        reason = truncate(pairs["reason"][0], 100)
        return not_enough_data(question, f"no two {name}s can be compared ({reason}).")._replace(table=table)
    return Answer(
        question, _sentence(pairs, known, name, metric), formats_chart(known, metric, width), table, _notes(known)
    )


def _sentence(pairs: pl.DataFrame, known: pl.DataFrame, name: str, metric: str) -> str:
    beyond = known.filter(pl.col("verdict").is_in([MORE, LESS]))
    sentences = [_pair(row, name, metric) for row in beyond.head(_MAX_NAMED).iter_rows(named=True)]
    if beyond.height > _MAX_NAMED:
        sentences.append(f"{beyond.height - _MAX_NAMED} more pairs differ by more than chance: see the table.")
    rest = known.filter(pl.col("verdict") == WITHIN_NORMAL_VARIATION)
    if not sentences:
        closest = rest.sort("p_value", "first", "second").row(0, named=True)
        asked = f" ({rest.height} pairs were compared)" if rest.height > 1 else ""
        sentences.append(
            f"No {name} differs by more than chance{asked}. The nearest to it: {_pair(closest, name, metric)}"
        )
    elif rest.height:
        sentences.append(f"{rest.height:,} other pair{'' if rest.height == 1 else 's'} within normal variation.")
    left_out = pairs.height - known.height
    if left_out:
        sentences.append(f"{left_out:,} pair{'' if left_out == 1 else 's'} cannot be compared: too few pins.")
    return " ".join(sentences)


def _pair(row: dict[str, Any], name: str, metric: str) -> str:
    first, second = _named(row["first"]), _named(row["second"])
    of_first, of_second = (f"{first} pins", f"{second} pins") if name == "format" else (first, second)
    days = f"{row['publication_days']:,} day{'' if row['publication_days'] == 1 else 's'}"
    means = f"had {row['mean_first']:,.1f} {metric} on average after 7 days, {of_second} {row['mean_second']:,.1f}"
    interval = f"95% interval {row['low']:.1f} to {row['high']:.1f}"
    evidence = f"{row['compared_first']:,} and {row['compared_second']:,} pins, published on {days}"
    return (
        f"{of_first[:1].upper()}{of_first[1:]} {means}; among pins of the same weeks the typical one had "
        f"{row['ratio']:.1f} times as many ({interval}): {row['verdict']} ({evidence})."
    )


def _notes(known: pl.DataFrame) -> tuple[str, ...]:
    notes = [
        "Every pin is taken at the same age, 7 days, so that older pins do not look better for having had more time.",
        "Same weeks: pins are compared with others published in the same weeks, as a season or a trend that meets a "
        "format by chance is no effect of it. The crude ratio, a diamond in the chart, leaves that out.",
        "Times are of the typical pin (from the logs of counts), as a few pins have most of everything. Pins of one "
        "day or week share their luck and do not count as independent.",
    ]
    if known.height > 1:
        notes.append(
            f"{known.height} pairs were asked at once: verdicts allow for it (false discovery rate of 5%, Benjamini "
            "and Hochberg); the intervals are of each pair by itself."
        )
    if row := most_certain(known):
        notes.append(f"{pair_name(row)}: {shown_text(row)} (four times in five).")
    notes.append("The subject of a pin goes with its format: a difference need not be the format's doing.")
    return tuple(notes)


def _table(pairs: pl.DataFrame, metric: str) -> pl.DataFrame:
    def names(column: str) -> pl.Expr:
        return pl.col(column).map_elements(_named, return_dtype=pl.String)

    return pairs.select(
        names("first").alias("Pins of"),
        names("second").alias("against"),
        pl.col("pins_first").alias("Pins"),
        pl.col("pins_second").alias("Pins against"),
        pl.col("mean_first").alias(f"Mean {metric} after 7 days"),
        pl.col("mean_second").alias(f"Mean {metric} against"),
        pl.col("crude_ratio").alias("Crude (times)"),
        pl.col("ratio").alias("Same weeks (times)"),
        pl.col("low").alias("95% from (times)"),
        pl.col("high").alias("95% to (times)"),
        pl.col("q_value").alias("q"),
        pl.col("verdict").alias("Verdict"),
    )


def pair_name(row: dict[str, Any]) -> str:
    """Return the name of a pair of formats.

    >>> pair_name({"first": "VIDEO", "second": "IMAGE"})
    'video against image'
    """
    return f"{_named(row['first'])} against {_named(row['second'])}"


def _named(kind: str) -> str:
    """Return a format as a word in a sentence, because the API writes media types in capitals."""
    name = truncate(kind, 30)
    return name.lower().replace("_", " ") if name.isupper() else name
