"""Compute the totals at the top of an account's page: value, change, line of 12 weeks and badge."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from oneup_pinterest.formatting import format_count, format_day, format_list
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.gains import PROVISIONAL_DAYS
from oneup_pinterest.history.totals import account_totals
from oneup_pinterest.methods.verdicts import DOWN, NO_VERDICT, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.chart_style import percent_text, signed_count
from oneup_pinterest.questions.summary.statistic import FOLLOWERS, GAINS, ONEUP, POSTS, comparison_days, recent_series
from oneup_pinterest.report.drawing import spark

LABELS = {POSTS: "Pins published"}


def period_text(history: AccountHistory, figures: pl.DataFrame) -> str:
    """Return which days the page is about, what they are compared with, and which may still change."""
    if figures.is_empty():
        return "No figures yet"
    days = comparison_days(history)
    first = figures.filter(pl.col("key") != FOLLOWERS).head(1)
    if first.is_empty():
        first = figures.head(1)
    start, end, is_compared = first["start"][0], first["end"][0], first["before"][0] is not None
    if start is None or end is None:  # a column that was not synced
        return f"Up to {format_day(end)}" if end else "Days unknown"
    text = f"{_span(start, end)}{f', beside the {(end - start).days + 1} days before' if is_compared else ''}"
    if account_totals(history.overview)["is_provisional"].any() and not days:
        text += " · Pinterest may still correct the last two days"
    if days and history.pins.height:
        late = [end + timedelta(days=number + 1) for number in range(PROVISIONAL_DAYS)]
        text += f" · Pinterest may still correct {format_list([f'{day.day} {day:%b}' for day in late])}"
    return text


def _span(start: date, end: date) -> str:
    return f"{start.day} {start:%b}{'' if start.year == end.year else f' {start.year}'} to {format_day(end)}"


def tiles_of(history: AccountHistory, figures: pl.DataFrame) -> list[dict[str, Any]]:
    series = recent_series(history)
    lines = {key[0]: part for key, part in series.group_by("key")}
    main = GAINS if figures["source"].is_in([GAINS]).any() else ONEUP
    tiles = []
    for row in figures.iter_rows(named=True):
        line = lines.get(row["key"])
        days = (row["end"] - row["start"]).days + 1 if row["start"] and row["end"] else None
        tiles.append(
            {
                "key": row["key"],
                "label": LABELS.get(row["key"], row["key"].capitalize()),
                "value": row["value"],
                "direction": None if not row["difference"] else UP if row["difference"] > 0 else DOWN,
                "change": _change(row),
                "beside": _beside(row, days),
                "spark": spark(line["day"].to_list(), line["value"].to_list()) if line is not None else None,
                "badge": _badge(row),
                "badge_note": _badge_note(row),
                "source": _source(row, days) if main == GAINS else None,
            }
        )
    return tiles


def _source(row: dict[str, Any], days: int | None) -> str | None:
    if row["source"] != ONEUP:
        return None
    return f"OneUp's total of {days} days" if days else "OneUp's total"


def _change(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return ""
    if row["key"] == FOLLOWERS or row["change"] is None:
        return signed_count(row["difference"]) if row["difference"] else "no change"
    return percent_text(row["change"])


def _beside(row: dict[str, Any], days: int | None) -> str:
    if row["before"] is None:
        return "nothing to compare with yet"
    if row["key"] == FOLLOWERS and days:
        return f"in {format_count(days - 1, 'day')}"
    return f"from {round(row['before']):,}"


def _badge(row: dict[str, Any]) -> str:
    if row["key"] == POSTS:
        return "a count: you decide it"
    if row["verdict"] in (UP, DOWN):
        return f"{row['verdict']}, more than chance"
    if row["verdict"] == WITHIN_NORMAL_VARIATION:
        return WITHIN_NORMAL_VARIATION
    if row["key"] == FOLLOWERS:
        return row["verdict"] or "too early for a trend"
    return "too early to judge" if row["verdict"] is None else "too few to judge"


def _badge_note(row: dict[str, Any]) -> str:
    if row["usual_low"] is not None:
        interval = f"{percent_text(row['usual_low'])} to {percent_text(row['usual_high'])}"
        return f"Usual for this account from one period to the next: {interval}"
    return row["reason"].capitalize() if row["verdict"] == NO_VERDICT and row["reason"] else ""
