"""Answer whether the weekday or the hour of publication matters, beyond normal variation."""

from typing import Any

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.methods.permutation import MIN_DAYS
from oneup_pinterest.questions.answer import Answer, most_certain, no_curves, not_enough_data, shown_text
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.timing.chart import hours_of, slot_name, slots_chart, slots_grid
from oneup_pinterest.questions.timing.statistic import BLOCK_HOURS, MIN_IN_SLOT, WEEKDAYS, By, Weekday, slot_effects

_MAX_ROWS = 30  # of a table: the slots with the most pins
_MAX_NAMED = 3
_KINDS = {"weekday": "weekday", "hour": "block of hours", "slot": "slot of the week"}


def weekday_answer(
    history: AccountHistory,
    metric: str = "saves",
    *,
    weekday: Weekday | None = None,
    published_zone: str = "UTC",
    display_zone: str = "UTC",
    width: int | str = WIDTH,
) -> Answer:
    """Answer whether pins of some weekday have more or less after a week than others of the same weeks.

    With `weekday` (such as "Saturday") only this one is asked: a planned question is answered with fewer pins than a
    search through all of them. `published_zone` is the zone of the API's times, `display_zone` the zone of the result.
    The table has counts and percent; `compared_slots` has the method.

    Raises:
        UserError: one of the zones is not in the time zone database.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> weekday_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence[:68]
    'Not enough data yet: times of publication can be compared from 20 pi'
    """
    zones = (published_zone, display_zone)
    question = "Does the weekday of publication matter for {}?"
    if weekday is not None:
        question = f"Does publishing on {weekday} matter for {{}}?"
    return _answer(question, history, metric, "weekday", 24, zones, width, weekday)


def hour_answer(
    history: AccountHistory,
    metric: str = "saves",
    *,
    published_zone: str = "UTC",
    display_zone: str = "UTC",
    hours: int = BLOCK_HOURS,
    width: int | str = WIDTH,
) -> Answer:
    """Answer whether pins of some block of `hours` (1, 2, 3, 4, 6, 8 or 12) have more or less than others.

    The zones are those of `weekday_answer`.

    Raises:
        UserError: one of the zones is not in the time zone database.
        ValueError: `hours` does not divide a day into equal blocks.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> hour_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    zones = (published_zone, display_zone)
    return _answer("Does the hour of publication matter for {}?", history, metric, "hour", hours, zones, width)


def slots_answer(
    history: AccountHistory,
    metric: str = "saves",
    *,
    published_zone: str = "UTC",
    display_zone: str = "UTC",
    hours: int = BLOCK_HOURS,
    width: int | str = WIDTH,
) -> Answer:
    """Answer whether pins of some block of hours of some weekday have more or less than others.

    The zones are those of `weekday_answer`.

    Raises:
        UserError: one of the zones is not in the time zone database.
        ValueError: `hours` does not divide a day into equal blocks.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> slots_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    zones = (published_zone, display_zone)
    question = "Is there a best time of the week to publish for {}?"
    return _answer(question, history, metric, "slot", hours, zones, width)


def _answer(
    question: str,
    history: AccountHistory,
    metric: str,
    by: By,
    hours: int,
    zones: tuple[str, str],
    width: int | str,
    weekday: Weekday | None = None,
) -> Answer:
    question = question.format(metric)
    if why := no_curves(history, metric):
        return Answer(question, why)
    effects = slot_effects(
        history,
        metric,
        by,
        1 if by == "weekday" else hours,
        weekday=weekday,
        published_zone=zones[0],
        display_zone=zones[1],
    )
    if effects.is_empty():
        return not_enough_data(
            question,
            f"times of publication can be compared from {MIN_PINS} pins on that were seen a week after it; "
            "there are 0.",
        )
    if reason := effects["reason"][0]:
        return not_enough_data(question, reason)
    if effects["effect"].null_count() == effects.height:
        return not_enough_data(
            question, "too few pins of the same weeks were published then and at other times, or on too few days."
        )
    chart = slots_grid(effects, metric, width) if by == "slot" else slots_chart(effects, metric, width)
    notes = (*_notes(effects, metric, by), _zone_note(*zones))
    return Answer(question, _sentence(effects, metric, by), chart, _table(effects, metric), notes)


def _sentence(effects: pl.DataFrame, metric: str, by: By) -> str:
    hours = hours_of(effects)
    known = effects.filter(pl.col("effect").is_not_null()).sort(
        "effect", "weekday", "hour", descending=[True, False, False]
    )
    found = known.filter(pl.col("verdict").is_in(["above", "below"]))
    total = f"{known['pins_in_all'][0]:,}"
    if known.height == effects.height == 1:  # a planned question
        return _slot_sentence(known.row(0, named=True), metric, hours, total)
    if found.is_empty():
        best = known.row(0, named=True)
        name = slot_name(best["weekday"], best["hour"], hours)
        whose = f"{name}'s" if by == "weekday" else f"those of {name}"
        return (
            f"No {_KINDS[by]} differs by more than chance: of {total} pins, {whose} did best, {_figures(best)} against "
            "others of the same weeks, within normal variation."
        )
    named = found.sort("p_value", maintain_order=True).head(_MAX_NAMED)
    sentences = [_slot_sentence(row, metric, hours, total) for row in named.iter_rows(named=True)]
    if found.height > _MAX_NAMED:
        sentences.append(f"{found.height - _MAX_NAMED} more stand out: see the table.")
    return " ".join(sentences)


def _slot_sentence(row: dict[str, Any], metric: str, hours: int, total: str) -> str:
    when = f"{'from' if row['weekday'] is None else 'on'} {slot_name(row['weekday'], row['hour'], hours)}"
    return (
        f"Pins published {when} had {row['mean']:,.1f} {metric} on average after a week; the typical one "
        f"{_figures(row)} against others of the same weeks: {row['verdict']} "
        f"({row['pins']:,} of {total} pins on {row['publication_days']:,} days)."
    )


def _figures(row: dict[str, Any]) -> str:
    return f"{_signed(row['effect'])} (95% interval {_signed(row['low'])} to {_signed(row['high'])})"


def _signed(percent: float) -> str:
    return f"{percent:+,.0f}%".replace("-", "−").replace("+0%", "0%").replace("−0%", "0%")


def _notes(effects: pl.DataFrame, metric: str, by: By) -> tuple[str, ...]:
    first = effects.row(0, named=True)
    with_pins = effects.filter(pl.col("pins") > 0)
    ratio = with_pins["mean_ratio"].max()
    tested = int(effects["effect"].count())
    notes = [
        "What counts is what a pin had exactly 7 days after its publication, compared with other pins of the same "
        "weeks, on a scale of ratios so that one viral pin does not decide; of several, effects are drawn towards 0 "
        "where pins are few. Pins of one day or week share their luck and do not count as independent."
    ]
    if tested < effects.height:
        notes.append(
            f"{tested} of {effects.height} could be judged; the others have fewer than {MIN_IN_SLOT} pins, or pins "
            f"of fewer than {MIN_DAYS} days."
        )
    if isinstance(ratio, float) and first["chance_ratio"] is not None:
        notes.append(
            f"By plain means, as most tools rank, the best {_KINDS[by]} has {ratio:.1f} times the {metric} of all "
            f"pins; with the same pins assigned at random, the best one has {first['chance_ratio']:.1f} times."
        )
    usual = effects["detectable"].median()
    if effects.height > 1 and isinstance(usual, float):
        notes.append(
            f"With this many pins, a {_KINDS[by]} would have to have {_times(usual)} the {metric} of others to be "
            "found four times in five."
        )
    if row := most_certain(effects):
        name = slot_name(row["weekday"], row["hour"], hours_of(effects))
        notes.append(f"{name[:1].upper()}{name[1:]}: {shown_text(row)} (four times in five).")
    if effects.height > 1:
        notes.append("Verdicts allow for all that were compared, here and in the other two questions on time.")
    else:
        notes.append(
            "One weekday was asked for, so nothing is allowed for others, and its effect is not drawn towards 0."
        )
    return tuple(notes)


def _times(percent: float) -> str:
    times = 1 + percent / 100
    return "over 100 times" if times > 100 else f"{times:.1f} times"


def _zone_note(published: str, display: str) -> str:
    shown = "" if display == published else f" and shown in {display}"
    return f"OneUp does not say in which zone it gives times; here they are read as {published}{shown}."


def _table(effects: pl.DataFrame, metric: str) -> pl.DataFrame:
    hours = hours_of(effects)
    shown = effects.filter(pl.col("pins") > 0).sort("pins", descending=True, maintain_order=True).head(_MAX_ROWS)
    names = dict(enumerate(WEEKDAYS, 1))
    columns = []
    if shown["weekday"].null_count() == 0:
        columns.append(pl.col("weekday").replace_strict(names, return_dtype=pl.String).alias("Weekday"))
    if shown["hour"].null_count() == 0:
        until = (pl.col("hour") + hours).cast(pl.String).str.zfill(2)
        columns.append(pl.format("{}:00 to {}:00", pl.col("hour").cast(pl.String).str.zfill(2), until).alias("Hours"))
    return shown.sort("weekday", "hour").select(
        *columns,
        pl.col("pins").alias("Pins"),
        pl.col("mean").alias(f"Mean {metric} after a week"),
        pl.col("effect").alias("Against other pins (%)"),
        pl.col("low").alias("95% from (%)"),
        pl.col("high").alias("95% to (%)"),
        pl.col("p_value").alias("p"),
        pl.col("verdict").alias("Verdict"),
    )
