"""What the page says of an account, in the order of a reader's questions. Each section is a row of answers."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from oneup_pinterest.database.schema import EXTRACTED_AT
from oneup_pinterest.history.gains import PROVISIONAL_DAYS, account_daily_gains, daily_gains
from oneup_pinterest.history.observations import METRICS, consecutive_observations
from oneup_pinterest.history.summaries import PROVISIONAL_TOTALS, of_last_preset, preset_note
from oneup_pinterest.methods.first_week import first_week_outcomes
from oneup_pinterest.quality.checks.context import CheckContext
from oneup_pinterest.questions.anomalies.answer import anomalies_answer
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.change.answer import change_answer, new_pins_answer, trend_answer
from oneup_pinterest.questions.change.statistic import WEEKS
from oneup_pinterest.questions.data_quality.answer import assumptions_answer
from oneup_pinterest.questions.followers.answer import followers_answer
from oneup_pinterest.questions.formats.answer import format_answer
from oneup_pinterest.questions.growth.answer import evergreen_answer, growth_answer, half_life_answer
from oneup_pinterest.questions.movers.answer import movers_answer
from oneup_pinterest.questions.overview.answer import daily_gains_answer
from oneup_pinterest.questions.overview.statistic import accounts_side_by_side, totals_with_verdicts
from oneup_pinterest.questions.rates.answer import ranking_answer
from oneup_pinterest.questions.timing.answer import hour_answer, weekday_answer

WIDTH = "container"  # a chart is as wide as the page
MAIN = "saves"  # the metric of the sections that look at one
# of each row of pins; the rest is looked at once a pin, in `pins_latest`
PIN_COLUMNS = (
    "social_network_id",
    "id",
    "timestamp",
    *METRICS,
    "snapshot_date",
    "period_start",
    "period_end",
    EXTRACTED_AT,
)
HISTORY_DAYS = 7 * (WEEKS + 2)  # of the gains of each pin, at least: as far back as the trend looks, and a bit


class Frames(NamedTuple):
    """The frames of one account, as the `load_*` functions, `daily_gains` and `account_daily_gains` return them.

    `gains` begin where nothing here looks farther back.
    """

    pins: pl.DataFrame
    overview: pl.DataFrame
    followers: pl.DataFrame
    totals: pl.DataFrame
    gains: pl.DataFrame
    account_gains: pl.DataFrame

    def side_by_side(self) -> pl.DataFrame:
        """The rows of `accounts_side_by_side` of this account alone."""
        return accounts_side_by_side(self.pins, self.followers, gains=self.gains, account_gains=self.account_gains)


def rows_of(frame: pl.DataFrame, account: str) -> pl.DataFrame:
    """Those of one account, of a frame that is sorted by account: not copied, for there may be millions."""
    is_mine = frame["social_network_id"] == account
    return frame.slice(is_mine.arg_max() or 0, int(is_mine.sum()))


def in_order_of(pins: pl.DataFrame, latest: pl.DataFrame) -> pl.DataFrame:
    """Rows of `pins_latest` in the place that each pin has in `latest_pins`, also where an id is missing."""
    names = consecutive_observations(pins, []).pins
    placed = names.join(latest, on=names.columns, how="left", maintain_order="left", nulls_equal=True)
    return placed.select(latest.columns)


def frames_of(facts: CheckContext) -> Frames:
    """The frames of one account, from its facts."""
    longest = max(HISTORY_DAYS, 2 * (_days(of_last_preset(facts.overview)) + PROVISIONAL_DAYS))
    newest = facts.pins["snapshot_date"].max()
    since = newest - timedelta(days=longest) if isinstance(newest, date) else None
    gains = daily_gains(facts.pins, since=since).drop("fall")  # text in millions of rows
    return Frames(facts.pins, facts.overview, facts.followers, facts.totals, gains, account_daily_gains(facts.pins))


def _days(overview: pl.DataFrame) -> int:
    """Of the longest period."""
    days = overview.select((pl.col("period_end") - pl.col("period_start")).dt.total_days().max()).item()
    return (days or 0) + 1


class Section(NamedTuple):
    """A heading and the answers under it; `key` is part of the names of their places in the page."""

    key: str
    title: str
    answers: list[Answer]


def headline(frames: Frames) -> dict[str, Any]:
    """`cards`, rows of `totals_with_verdicts`, and the `period` {days, start, end, notes} that they are about."""
    totals = totals_with_verdicts(frames.overview, frames.pins, gains=frames.gains, account_gains=frames.account_gains)
    if totals.is_empty():
        return {"cards": [], "period": None}
    first = totals.row(0, named=True)
    days = (first["period_end"] - first["period_start"]).days + 1 if first["period_start"] else None
    cards = [{**row, "name": row["name"] or row["key"]} for row in totals.iter_rows(named=True)]
    notes = [preset_note(frames.overview, first["preset"]), PROVISIONAL_TOTALS if first["is_provisional"] else None]
    period = {"days": days, "start": first["period_start"], "end": first["period_end"], "notes": notes}
    return {"cards": cards, "period": period}


def account_sections(frames: Frames) -> Iterator[Section]:
    """The sections of one account."""
    pins, gains, by_day = frames.pins, frames.gains, frames.account_gains
    yield Section(
        "change",
        "What changed, and whether it means anything",
        [
            change_answer(pins, gains=gains, account_gains=by_day, width=WIDTH),
            new_pins_answer(pins, width=WIDTH),
            trend_answer(pins, MAIN, gains=gains, account_gains=by_day, width=WIDTH),
            anomalies_answer(by_day, MAIN, width=WIDTH),
            movers_answer(pins, MAIN, width=WIDTH),
        ],
    )
    yield Section(
        "gains",
        "Saves, repins and clicks, day by day",
        [
            daily_gains_answer(pins, metric, account_gains=by_day, width=WIDTH)
            for metric in ("saves", "repins", "clicks")
        ],
    )
    yield Section(
        "growth",
        "How pins grow",
        [
            growth_answer(pins, MAIN, width=WIDTH),
            half_life_answer(pins, MAIN, width=WIDTH),
            evergreen_answer(pins, MAIN, width=WIDTH),
        ],
    )
    yield Section(
        "ranking",
        "Best and worst pins",
        [ranking_answer(pins, MAIN, side, width=WIDTH) for side in ("best", "worst")],
    )
    outcomes = first_week_outcomes(pins, MAIN)
    yield Section(
        "timing",
        "When to publish",
        [
            weekday_answer(pins, MAIN, outcomes=outcomes, width=WIDTH),
            hour_answer(pins, MAIN, outcomes=outcomes, width=WIDTH),
        ],
    )
    yield Section("formats", "Formats", [format_answer(pins, MAIN, outcomes=outcomes, width=WIDTH)])
    yield Section("followers", "Followers", [followers_answer(frames.followers, width=WIDTH)])
    yield Section(
        "assumptions",
        "What the data say about OneUp's figures",
        [assumptions_answer(pins, frames.totals, frames.overview)],
    )
