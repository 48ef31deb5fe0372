"""Answers about change: did saves, repins and clicks change, do new pins do better, is there a trend?"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from oneup_pinterest.formatting import WEEK_OF, format_day
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import DAYS, HEADLINE, SEEN_RATIO_THRESHOLD, account_change
from oneup_pinterest.methods.verdicts import DOWN, LEVEL, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.answer import (
    BACK_FROM_LAST_DAY,
    MAX_DAYS_NEEDED,
    Answer,
    interval_text,
    not_enough_data,
    trend_shown_text,
)
from oneup_pinterest.questions.change.chart import change_chart, trend_chart
from oneup_pinterest.questions.change.new_pins import new_pins_change
from oneup_pinterest.questions.change.statistic import WEEKS, account_trend, weekly_gains
from oneup_pinterest.questions.chart_style import WIDTH, percent_text

_TYPICAL = (
    "The typical pin is compared with itself: its own level, its age, and the trend and the swings that all pins of "
    "this account share are allowed for. The totals also depend on how much was published."
)
_SEASON = "With less than a year of history, a change cannot be told from the season, which is strong on Pinterest."


def change_answer(
    history: AccountHistory, metric: str | None = None, *, days: int = DAYS, width: int | str = WIDTH
) -> Answer:
    """Answer whether the account gained more or less in its last `days` settled days than in the `days` before.

    Show one `metric`, or saves, repins and clicks if it is None. The p values allow for all three, whichever of them is
    shown. The table has counts, percent and p values; `account_change` has the method.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2026, 1, 1), "saves": [5, 9],
    ...     "repins": 0, "clicks": 0, "snapshot_date": [date(2026, 3, 2), date(2026, 3, 3)]})
    >>> change_answer(AccountHistory.from_pins(pins), "saves").question
    'Did saves change over the last 28 days?'
    """
    metrics = _judged_together(metric)
    change = account_change(history, days, metrics)
    what = metric or "saves, repins and clicks"
    question = f"Did {what} change over the last {days} days?"
    shown = _of(change, metric)
    if shown["before"].null_count() == shown.height:
        return not_enough_data(question, _reasons(shown))
    is_tested = shown["p"].null_count() < shown.height
    first = shown.drop_nulls("before").row(0, named=True)
    notes = [
        f"{format_day(first['now_start'])} to {format_day(first['now_end'])}, against "
        f"{format_day(first['before_start'])} to {format_day(first['before_end'])}. The days since are provisional.",
        *([_TYPICAL] if is_tested else []),
        *_when_known(shown, days),
        *_usual_note(shown),
        *_season_note(shown),
        *_adjustment_note(shown, len(metrics)),
        *_seen_pins_note(first, "watched_before", "watched_now", "in the period before", "in this one"),
    ]
    if shown["is_imputed"].any():
        notes.append("Some gains are spread evenly over days without a sync.")
    if first["days_compared"] < days:
        notes.append(f"Compared are {first['days_compared']} of {days} days: on the others some gain is unknown.")
    sentence = " ".join(_change_sentence(row, f"over the last {days} days") for row in shown.iter_rows(named=True))
    chart = change_chart(shown, width) if is_tested else None
    return Answer(question, sentence, chart, _table(shown, "gained"), tuple(notes))


def new_pins_answer(
    history: AccountHistory, metric: str | None = None, *, days: int = DAYS, age: int = 7, width: int | str = WIDTH
) -> Answer:
    """Answer whether the pins of the last `days` days of publication do better than those of the `days` before.

    Both are compared at the same `age` (days). Show one `metric`, or saves, repins and clicks if it is None. The
    table has counts per pin and percent; `new_pins_change` has the method.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2026, 3, 1), "saves": [5],
    ...     "repins": 0, "clicks": 0, "snapshot_date": [date(2026, 3, 2)], "text": "Soup", "format": "pin",
    ...     "media_type": "IMAGE"})
    >>> new_pins_answer(AccountHistory.from_pins(pins), "saves").sentence
    'Not enough data yet: no pin has been seen at age 7 with a lifetime counter of saves.'
    """
    metrics = _judged_together(metric)
    change = new_pins_change(history, days, age, metrics)
    question = f"Do new pins do better after {age} days than those before them?"
    shown = _of(change, metric)
    if shown["p"].null_count() == shown.height:
        return not_enough_data(question, _reasons(shown))
    first = shown.drop_nulls("p").row(0, named=True)
    notes = (
        f"{first['pins_now']} pins published from {format_day(first['now_start'])} to "
        f"{format_day(first['now_end'])}, against {first['pins_before']} from {format_day(first['before_start'])} to "
        f"{format_day(first['before_end'])}, all at age {age} days.",
        "The typical pin: the factor on all pins' counts that explains the difference of their logs, as a few pins "
        "make most of a mean. Pins of one day or one week share their luck and do not count as independent.",
        *_when_known(shown, days),
        *_adjustment_note(shown, len(metrics)),
    )
    sentence = " ".join(_new_pins_sentence(row) for row in shown.iter_rows(named=True))
    return Answer(question, sentence, change_chart(shown, width), _table(shown, "per pin"), notes)


def trend_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer whether the weekly gains of a metric have a trend, over at most 12 settled weeks.

    The table has counts per week; `account_trend` has the method.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2026, 1, 1), "saves": [5, 9],
    ...     "repins": 0, "clicks": 0, "snapshot_date": [date(2026, 3, 2), date(2026, 3, 3)]})
    >>> trend_answer(AccountHistory.from_pins(pins)).question
    'Is there a trend in weekly saves?'
    """
    metrics = _judged_together(metric)
    trend = account_trend(history, metrics)
    question = f"Is there a trend in weekly {metric}?"
    shown = _of(trend, metric)
    if shown["p"].null_count() == shown.height:
        return not_enough_data(question, _reasons(shown))
    row = shown.row(0, named=True)
    weekly = weekly_gains(history).filter(pl.col("metric") == metric)
    table = weekly.select(
        pl.col("first_day").alias(WEEK_OF),
        pl.col("gain").round(1).alias(f"{metric.capitalize()} gained"),
        pl.col("days_known").alias("Days known"),
    )
    notes = (
        "The trend is the percentage by which gains grow or shrink from week to week. It says nothing about the "
        "weeks to come.",
        *_trend_shown(row),
        BACK_FROM_LAST_DAY,
        *_adjustment_note(shown, len(metrics)),
        *_seen_pins_note(row, "watched_first", "watched_last", "in the first week", "in the last"),
    )
    return Answer(question, _trend_sentence(row), trend_chart(weekly, trend, metric, width), table, notes)


def _judged_together(metric: str | None) -> tuple[str, ...]:
    """Return the metrics whose p values allow for each other: the headline ones, or another one alone."""
    return HEADLINE if metric is None or metric in HEADLINE else (metric,)


def _change_sentence(row: dict[str, Any], when: str) -> str:
    name = row["metric"].capitalize()
    if row["before"] is None:
        return f"{name}: no verdict, {row['reason']}."
    change = percent_text(row["gained_change"], "none before")
    fact = f"{name}: {row['now']:,.0f} {when}, after {row['before']:,.0f} ({change})"
    if row["p"] is None:
        return f"{fact}; no verdict, {row['reason']}."
    return f"{fact}; beyond the trend, the typical pin {_typical(row)}: {row['verdict']} ({_pins(row['pins'])})."


def _typical(row: dict[str, Any]) -> str:
    return f"{percent_text(row['change'])} ({interval_text(row['change_low'], row['change_high'])})"


def _when_known(shown: pl.DataFrame, days: int) -> Iterator[str]:
    """Yield, per metric without evidence, what could be found now and how long a change of this size would take."""
    is_open = (pl.col("verdict") == WITHIN_NORMAL_VARIATION) & pl.col("detectable").is_not_null()
    for row in shown.filter(is_open).iter_rows(named=True):
        found = f"{row['metric'].capitalize()}: a change of the typical pin shows now from about "
        found += percent_text(row["detectable"])
        if percent_text(row["change"]) == "0%":
            yield f"{found}."
        elif row["days_needed"] <= MAX_DAYS_NEEDED:
            weeks = math.ceil(max(row["days_needed"], days) / 7)
            yield f"{found}. One of {percent_text(row['change'])} would show with about {weeks} weeks per period."
        else:
            yield f"{found}. One of {percent_text(row['change'])} is too small to show within a year."


def _usual_note(shown: pl.DataFrame) -> Iterator[str]:
    known = shown.drop_nulls("usual_low")
    if known.is_empty():
        return
    ranges = [
        f"{row['metric']} {percent_text(row['usual_low'])} to {percent_text(row['usual_high'])}"
        for row in known.iter_rows(named=True)
    ]
    yield f"Usual for this account, from one such period to the next: {', '.join(ranges)}."


def _season_note(shown: pl.DataFrame) -> Iterator[str]:
    known = shown.drop_nulls("year_before")
    if known.is_empty():
        yield _SEASON
        return
    years = [
        f"{row['metric']} {row['year_before']:,.0f} ({percent_text(_ratio_percent(row))} since)"
        for row in known.iter_rows(named=True)
    ]
    yield f"In the same days a year earlier: {', '.join(years)}."


def _ratio_percent(row: dict[str, Any]) -> float | None:
    return (row["now"] / row["year_before"] - 1) * 100 if row["year_before"] else None


def _new_pins_sentence(row: dict[str, Any]) -> str:
    name = row["metric"].capitalize()
    if row["p"] is None:
        return f"{name}: no verdict, {row['reason']}."
    days = row["publication_days"]
    evidence = f"{_pins(row['pins'])} published on {days:,} day{'' if days == 1 else 's'}"
    moved = f"did {percent_text(abs(row['change'])).lstrip('+')} {'better' if row['change'] > 0 else 'worse'}"
    if percent_text(row["change"]).lstrip("+−") == "0%":
        moved = "did the same"
    interval = interval_text(row["change_low"], row["change_high"])
    return (
        f"{name} per pin: {row['now']:,.1f} on average, {row['before']:,.1f} before. The typical pin {moved} "
        f"({interval}), {_judgement(row, evidence)}"
    )


def _trend_sentence(row: dict[str, Any]) -> str:
    moved = "grew" if row["change"] > 0 else "fell" if row["change"] < 0 else "changed"
    size = percent_text(abs(row["change"])).lstrip("+")
    verdict = f"no verdict, because {row['reason']}" if row["reason"] else row["verdict"]
    interval = interval_text(row["change_low"], row["change_high"])
    return f"{row['metric'].capitalize()} {moved} {size} per week ({interval}) over {row['weeks']} weeks: {verdict}."


def _trend_shown(row: dict[str, Any]) -> Iterator[str]:
    if row["verdict"] == WITHIN_NORMAL_VARIATION:
        longer = f" With `weeks`, `account_trend` looks at more than {WEEKS}." if row["weeks_sought"] > WEEKS else ""
        yield f"{trend_shown_text(row)} (four times in five).{longer}"


def _judgement(row: dict[str, Any], pins: str) -> str:
    if row["verdict"] == UP:
        return f"more than chance explains among {pins}: up."
    if row["verdict"] == DOWN:
        return f"more than chance explains among {pins}: down."
    if row["reason"]:
        return f"which would be more than chance among {pins}, but {row['reason']}: no verdict."
    if row["p"] < LEVEL:
        return (
            f"which by itself would be more than chance among {pins} (p {row['p']:.3f}), but not among several metrics "
            f"judged together (p {row['p_adjusted']:.3f}): within normal variation."
        )
    return f"within normal variation among {pins}."


def _pins(count: int) -> str:
    return f"{count:,} pin{'' if count == 1 else 's'}"


def _of(frame: pl.DataFrame, metric: str | None) -> pl.DataFrame:
    return frame if metric is None else frame.filter(pl.col("metric") == metric)


def _reasons(shown: pl.DataFrame) -> str:
    """Return the reasons why there is no verdict, each once, with the metrics it concerns."""
    metrics_of: dict[str, list[str]] = {}
    for metric, reason in shown.filter(pl.col("reason").is_not_null()).select("metric", "reason").iter_rows():
        metrics_of.setdefault(reason.replace(metric, "{}"), []).append(metric)
    reasons = [
        reason.replace("{}", " and ".join(", ".join(metrics).rsplit(", ", 1))) for reason, metrics in metrics_of.items()
    ]
    return "; ".join(reasons) + "." if reasons else "no pin has been seen."


def _adjustment_note(shown: pl.DataFrame, tested: int) -> Sequence[str]:
    """Return a note on the adjustment for several metrics, where there were several."""
    if tested < 2 or shown["p"].null_count() == shown.height:
        return ()
    return ("Saves, repins and clicks are judged together (Holm), so that one false alarm among them stays rare.",)


def _seen_pins_note(row: dict[str, Any], before: str, now: str, then: str, since: str) -> Sequence[str]:
    """Return a note where the number of pins seen differs so much that it may explain part of the change."""
    first, last = row[before], row[now]
    if not first or not last or max(first / last, last / first) < SEEN_RATIO_THRESHOLD:
        return ()
    return (
        f"{first:,.0f} pins were seen per day {then}, {last:,.0f} {since}: what a pin gains unseen is unknown, "
        "so part of the difference may come from that.",
    )


def _table(shown: pl.DataFrame, what: str) -> pl.DataFrame:
    digits = 1 if what == "per pin" else 0
    is_of_account = "gained_change" in shown.columns
    return shown.select(
        pl.col("metric").str.to_titlecase().alias("Metric"),
        pl.col("now").round(digits).alias(f"Now ({what})"),
        pl.col("before").round(digits).alias(f"Before ({what})"),
        *(
            pl.col(name).alias(f"Median {period}")
            for name, period in (("median_now", "now"), ("median_before", "before"))
            if name in shown.columns
        ),
        *([pl.col("gained_change").round(1).alias("Change (%)")] if is_of_account else []),
        pl.col("change").round(1).alias("Change of the typical pin (%)"),
        pl.col("change_low").round(1).alias("95% interval from (%)"),
        pl.col("change_high").round(1).alias("to (%)"),
        pl.col("pins").alias("Pins"),
        pl.col("p_adjusted").alias("p (Holm)"),
        pl.when(pl.col("reason").is_null())
        .then("verdict")
        .otherwise(pl.concat_str("verdict", pl.lit(": "), "reason"))
        .alias("Verdict"),
    )
