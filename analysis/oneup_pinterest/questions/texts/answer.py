"""Answer which features and which words the texts of better pins have, at one age and among the same weeks."""

from collections.abc import Iterator
from typing import Any, Literal

import polars as pl

from oneup_pinterest.formatting import format_count, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.permutation import MIN_DAYS, MIN_IN_GROUP
from oneup_pinterest.methods.verdicts import LESS, MORE
from oneup_pinterest.questions.answer import Answer, most_certain, no_curves, not_enough_data, shown_text, too_few
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.texts.chart import features_chart, words_chart
from oneup_pinterest.questions.texts.statistic import one_of_a_text, outcomes_with_text, text_effects
from oneup_pinterest.questions.texts.words import fewest_pins, planned_word, word_contrasts

_MAX_NAMED = 3
_SIDE = 15  # rows of the table from each end
_ONE_TEXT = (
    "Pins with the same text in the same weeks count as one, and those of one day or week are not independent: they "
    "share their subject and its luck."
)
_SUBJECTS = "Words go with the subjects of pins: what stands out need not be why."


def text_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which features of a pin's text go with more of `metric` after 7 days.

    The table has ratios and numbers of pins; `compared_features` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> text_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: features of texts need at least 20 pins whose saves after 7 days are known; there are 0.'
    """
    question = f"What do texts of pins with more {metric} have?"
    found = _outcomes(history, metric, "features of texts")
    if isinstance(found, str):
        return Answer(question, found) if found[:1].isupper() else not_enough_data(question, found)
    effects = text_effects(history, metric)
    known = effects.drop_nulls("ratio")
    table = _features_table(effects, metric)
    if known.is_empty():
        why = (
            f"no feature has {MIN_IN_GROUP} pins of {MIN_DAYS} days with it and {MIN_IN_GROUP} without it in the same "
            "weeks, or all counts are alike."
        )
        return not_enough_data(question, why)._replace(table=table)
    beyond = known.filter(pl.col("verdict").is_in([MORE, LESS])).sort("q_value", "feature")
    sentences = [
        f"Pins whose text {said(row['feature'])} had {row['mean_with']:.1f} {metric} on average after 7 days, the "
        f"others {row['mean_without']:.1f}. Among pins of the same weeks the typical one had {row['ratio']:.1f} times "
        f"as many (95% interval {row['low']:.1f} to {row['high']:.1f}): {row['verdict']} ({row['pins_with']:,} pins "
        f"with it and {row['pins_without']:,} without)."
        for row in beyond.head(_MAX_NAMED).iter_rows(named=True)
    ]
    if beyond.height > _MAX_NAMED:
        sentences.append(f"{beyond.height - _MAX_NAMED} more features differ by more than chance: see the table.")
    number = known["features_compared"][0]
    asked, were = format_count(number, "feature"), "was" if number == 1 else "were"
    counted = f"{asked} {were} compared in {found.height:,} pins."
    if not sentences:
        counted = f"No feature of the texts goes with more or fewer {metric} than chance would give: {counted}"
    sentences.append(counted)
    notes = (
        "Compared are pins at an age of 7 days with others published in the same weeks; filled dots are beyond chance.",
        f"{asked} {were} asked at once: verdicts allow for it (false discovery rate of 5%, Benjamini and "
        "Hochberg); the intervals are of each feature by itself.",
        *_when_shown(known, "feature"),
        _ONE_TEXT,
        _SUBJECTS,
    )
    return Answer(question, " ".join(sentences), features_chart(known, metric, width), table, notes)


def words_answer(
    history: AccountHistory, metric: str = "saves", *, word: str | None = None, width: int | str = WIDTH
) -> Answer:
    """Answer which words go with more, or less, of `metric` after 7 days among pins of the same weeks.

    With `word` (a word or a pair of words) only this one is asked: a planned question is answered with fewer pins than
    a search through all words. The table has ratios and numbers of pins; `compared_words` has the method.

    Raises:
        UserError: as `planned_word`.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> words_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: words need at least 20 pins whose saves after 7 days are known; there are 0.'
    """
    if word is not None:
        word = planned_word(word)
    named = f"“{truncate(word, 30)}”" if word else ""
    question = f"Does {named} go with more {metric}?" if word else f"Which words do pins with more {metric} use?"
    found = _outcomes(history, metric, "words")
    if isinstance(found, str):
        return Answer(question, found) if found[:1].isupper() else not_enough_data(question, found)
    contrasts = word_contrasts(history, metric, word)
    if contrasts.is_empty():
        what = f"{named} has to be" if word else "a word is needed that is"
        fewest = fewest_pins(one_of_a_text(found).height, word)
        return not_enough_data(
            question,
            f"{what} in at least {fewest} pins of {MIN_DAYS} days or more and missing from {fewest} others, and counts "
            "that differ.",
        )
    total, compared = contrasts["pins_in_all"][0], contrasts["words_compared"][0]
    if word:
        sentences = [_word_sentence(contrasts.row(0, named=True), metric), f"{total:,} pins were compared."]
    else:
        sentences = []
        more, less = (contrasts.filter(pl.col("verdict") == verdict) for verdict in (MORE, LESS))
        for part in (more, less.reverse()):
            sentences += [_word_sentence(row, metric) for row in part.head(_MAX_NAMED).iter_rows(named=True)]
        if (left := more.height + less.height - len(sentences)) > 0:
            sentences.append(f"{left} more word{'' if left == 1 else 's'} differ by more than chance: see the table.")
        counted = f"{compared:,} words and pairs of words were compared in {total:,} pins."
        if not sentences:
            counted = f"No word goes with more or fewer {metric} than chance would give: {counted}"
        sentences.append(counted)
    notes = (
        "Deviations of chance: how far the logs of pins with a word lie from those of other pins of the same weeks, in "
        "standard errors. "
        + (
            "One word was asked for, so nothing is allowed for others."
            if word
            else "Filled dots are words that fewer than one shuffle in 20 has anywhere as far out, so the number of "
            "words asked is allowed for; the intervals are of each word by itself."
        ),
        *_when_shown(contrasts, "word"),
        _ONE_TEXT,
        _SUBJECTS,
    )
    table = _words_table(contrasts, metric)
    return Answer(question, " ".join(sentences), words_chart(contrasts, metric, width), table, notes)


def _when_shown(table: pl.DataFrame, kind: Literal["feature", "word"]) -> Iterator[str]:
    """Yield what the text with the smallest such difference would show now, and when it would show more."""
    if row := most_certain(table):
        name = f"a text that {said(row[kind])}" if kind == "feature" else f"“{truncate(row[kind], 30)}”"
        first = "" if table.height == 1 else "The smallest difference would show for "
        yield f"{first}{name}: {shown_text(row)} (four times in five)."


def _word_sentence(row: dict[str, Any], metric: str) -> str:
    days = row["publication_days"]
    typical = "too few counts are above 0 for a ratio"
    if row["ratio"] is not None:
        typical = (
            f"among pins of the same weeks the typical one had {row['ratio']:.1f} times as many (95% interval "
            f"{row['low']:.1f} to {row['high']:.1f})"
        )
    return (
        f"Pins with “{truncate(row['word'], 30)}” had {row['mean_with']:.1f} {metric} on average, the others "
        f"{row['mean_without']:.1f}; {typical}: {row['verdict']} ({row['pins']:,} pins published on {days:,} "
        f"day{'' if days == 1 else 's'})."
    )


def _outcomes(history: AccountHistory, metric: str, what: str) -> pl.DataFrame | str:
    """Return the outcomes that have a text, or else why there are too few."""
    if why := no_curves(history, metric):
        return why
    if why := too_few(history.first_week(metric), what, metric):
        return why
    texts = outcomes_with_text(history, metric)
    if why := too_few(texts, what, metric):
        return why.replace("pins whose", "pins with a text whose")
    return texts


def said(feature: str) -> str:
    """Return a feature as the predicate of a sentence whose subject is a text.

    >>> said("has a number"), said("longer than the account's median")
    ('has a number', "is longer than the account's median")
    """
    return feature if feature.split()[0] in ("has", "asks", "names", "calls") else f"is {feature.removeprefix('is ')}"


def _features_table(effects: pl.DataFrame, metric: str) -> pl.DataFrame:
    return effects.sort("ratio", "feature", descending=[True, False], nulls_last=True).select(
        pl.col("feature").alias("Text"),
        pl.col("pins_with").alias("Pins with it"),
        pl.col("pins_without").alias("Pins without"),
        pl.col("mean_with").alias(f"Mean {metric} with it"),
        pl.col("mean_without").alias(f"Mean {metric} without"),
        pl.col("ratio").alias("Same weeks, with over without (times)"),
        pl.col("low").alias("95% from (times)"),
        pl.col("high").alias("95% to (times)"),
        pl.col("q_value").alias("q"),
        pl.col("verdict").alias("Verdict"),
    )


def _words_table(contrasts: pl.DataFrame, metric: str) -> pl.DataFrame:
    few = contrasts.height <= 2 * _SIDE
    rows = contrasts if few else pl.concat([contrasts.head(_SIDE), contrasts.tail(_SIDE)])
    return rows.select(
        pl.col("word").map_elements(lambda word: truncate(word, 60), return_dtype=pl.String).alias("Word or pair"),
        pl.col("pins").alias("Pins with it"),
        pl.col("publication_days").alias("Published on (days)"),
        pl.col("mean_with").alias(f"Mean {metric} with it"),
        pl.col("mean_without").alias(f"Mean {metric} without"),
        pl.col("ratio").alias("With over without (times)"),
        pl.col("low").alias("95% from (times)"),
        pl.col("high").alias("95% to (times)"),
        pl.col("z").alias("Deviations of chance"),
        pl.col("p_value").alias("p, of all words"),
        pl.col("verdict").alias("Verdict"),
    )
