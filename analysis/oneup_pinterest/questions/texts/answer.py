"""Answer which features and which words the texts of better pins have, at one age and among the same weeks."""

import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.verdicts import LESS, MORE
from oneup_pinterest.questions.answer import Answer, no_curves, not_enough_data, too_few
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.texts.chart import features_chart, words_chart
from oneup_pinterest.questions.texts.statistic import outcomes_with_text, text_effects, word_contrasts

_MAX_NAMED = 3
_SIDE = 15  # rows of the table from each end
_ONE_TEXT = "Pins with the same text in the same weeks count as one: they share their subject and its luck."
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
        why = "no feature has 5 pins with it and 5 without it in the same weeks, or all counts are alike."
        return not_enough_data(question, why)._replace(table=table)
    beyond = known.filter(pl.col("verdict").is_in([MORE, LESS])).sort("q_value", "feature")
    sentences = [
        f"Pins whose text {_said(row['feature'])} had {row['ratio']:.1f} times the {metric} after 7 days of other pins "
        f"of the same weeks (95% interval {row['low']:.1f} to {row['high']:.1f}; {row['pins_with']:,} pins with it and "
        f"{row['pins_without']:,} without)."
        for row in beyond.head(_MAX_NAMED).iter_rows(named=True)
    ]
    if beyond.height > _MAX_NAMED:
        sentences.append(f"{beyond.height - _MAX_NAMED} more features differ by more than chance: see the table.")
    pins_compared = f"{found.height:,} pins"
    if sentences:
        sentences.append(f"{known.height} features were compared in {pins_compared}.")
    else:
        sentences.append(
            f"No feature of the texts goes with more or fewer {metric} than chance would give: {known.height} were "
            f"compared in {pins_compared}."
        )
    notes = (
        "Compared are pins at an age of 7 days with others published in the same weeks; filled dots are beyond chance.",
        f"{known.height} features were asked at once: verdicts allow for it (false discovery rate of 5%, Benjamini and "
        "Hochberg); the intervals are of each feature by itself.",
        _ONE_TEXT,
        _SUBJECTS,
    )
    return Answer(question, " ".join(sentences), features_chart(known, metric, width), table, notes)


def words_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which words the better pins use more, or less, than the other pins of their weeks.

    Better pins have more of `metric` after 7 days than the median. `compared_words` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> words_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: words need at least 20 pins whose saves after 7 days are known; there are 0.'
    """
    question = f"Which words do pins with more {metric} use?"
    found = _outcomes(history, metric, "words")
    if isinstance(found, str):
        return Answer(question, found) if found[:1].isupper() else not_enough_data(question, found)
    contrasts = word_contrasts(history, metric)
    if contrasts.is_empty():
        return not_enough_data(
            question,
            "two words are needed that are in at least 5 pins and missing from 5 others, and counts that differ.",
        )
    total, compared = contrasts["pins_in_all"][0], contrasts["words_compared"][0]
    sentences = []
    better, worse = (contrasts.filter(pl.col("verdict") == verdict) for verdict in ("better", "worse"))
    for part, more in ((better, "more"), (worse.reverse(), "fewer")):
        if part.height:
            names = ", ".join(
                f"“{truncate(row['word'], 30)}” ({row['better']:,} of {row['pins']:,} pins with it are in the better "
                f"half, {row['expected_share']:.0%} expected)"
                for row in part.head(_MAX_NAMED).iter_rows(named=True)
            )
            rest = f" and {part.height - _MAX_NAMED} more" if part.height > _MAX_NAMED else ""
            sentences.append(f"Words of pins with {more} {metric} than their weeks' median: {names}{rest}.")
    if not sentences:
        sentences.append(
            f"No word goes with more or fewer {metric} than chance would give: {compared:,} words and pairs of words "
            f"were compared in {total:,} pins."
        )
    else:
        sentences.append(f"{compared:,} words and pairs of words were compared in {total:,} pins.")
    notes = (
        "Deviations of chance: how far a word's log-odds (Fightin' Words) lie from what shuffles of the pins inside "
        "their weeks give. Filled dots are words that fewer than one shuffle in 20 has anywhere as far out, so the "
        "number of words asked is allowed for.",
        _ONE_TEXT,
        _SUBJECTS,
    )
    return Answer(question, " ".join(sentences), words_chart(contrasts, metric, width), _words_table(contrasts), notes)


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


def _said(feature: str) -> str:
    return feature if feature.split()[0] in ("has", "asks", "names", "calls") else f"is {feature.removeprefix('is ')}"


def _features_table(effects: pl.DataFrame, metric: str) -> pl.DataFrame:
    return effects.sort("ratio", "feature", descending=[True, False], nulls_last=True).select(
        pl.col("feature").alias("Text"),
        pl.col("pins_with").alias("Pins with it"),
        pl.col("pins_without").alias("Pins without"),
        pl.col("ratio").alias(f"{metric.capitalize()} with over without (times)"),
        pl.col("low").alias("95% from (times)"),
        pl.col("high").alias("95% to (times)"),
        pl.col("q_value").alias("q"),
        pl.col("verdict").alias("Verdict"),
    )


def _words_table(contrasts: pl.DataFrame) -> pl.DataFrame:
    few = contrasts.height <= 2 * _SIDE
    rows = contrasts if few else pl.concat([contrasts.head(_SIDE), contrasts.tail(_SIDE)])
    return rows.select(
        pl.col("word").map_elements(lambda word: truncate(word, 60), return_dtype=pl.String).alias("Word or pair"),
        pl.col("pins").alias("Pins with it"),
        pl.col("better").alias("In the better half (pins)"),
        (100 * pl.col("expected_share")).alias("Expected there (%)"),
        pl.col("z").alias("Deviations of chance"),
        pl.col("p_value").alias("p, of all words"),
        pl.col("verdict").alias("Verdict"),
    )
