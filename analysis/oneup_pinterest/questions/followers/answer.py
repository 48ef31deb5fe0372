"""Answer questions about followers, and about effort and results."""

import polars as pl

from oneup_pinterest.formatting import WEEK_OF, format_day, format_week
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.verdicts import DOWN, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.answer import BACK_FROM_LAST_DAY, Answer, no_gains, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH, signed_count
from oneup_pinterest.questions.followers.chart import (
    effort_chart,
    follower_changes_chart,
    followers_chart,
    gains_per_thousand_chart,
)
from oneup_pinterest.questions.followers.effort import MIN_WEEKS, effort_association, weekly_effort
from oneup_pinterest.questions.followers.statistic import (
    ZERO_BELOW,
    follower_association,
    follower_changes,
    follower_trend,
    gains_per_thousand,
)

TABLE_ROWS = 30
GAPS = "Pale bars are changes over a gap, or over a change of the time zone, divided by their days."


def followers_answer(history: AccountHistory, *, width: int | str = WIDTH) -> Answer:
    """Answer whether the followers of one account grow.

    The table has counts; `follower_trend` has the method.

    >>> from datetime import date
    >>> followers = pl.DataFrame({"social_network_id": "pin_a", "total_followers": [100 + 2 * day for day in range(22)],
    ...     "snapshot_date": [date(2026, 3, 1 + day) for day in range(22)]})
    >>> history = AccountHistory.from_pins(pl.DataFrame(), followers=followers)
    >>> print(followers_answer(history).sentence)
    Followers grew by 14.0 a week (95% interval 14.0 to 14.0, 3 weeks): from 100 to 142.
    """
    question = "Do the followers grow?"
    seen = _observed(history)
    trend = follower_trend(history)
    if trend.is_empty():
        return not_enough_data(question, f"followers need two syncs on different days, and there are {seen.height}.")
    row = trend.row(0, named=True)
    span = f"from {row['first_followers']:,} to {row['last_followers']:,}"
    if row["verdict"] is None:
        sentence = not_enough_data(question, row["reason"]).sentence
    elif row["verdict"] == "unchanged":
        sentence = f"Followers did not change in {row['weeks']} weeks: {row['last_followers']:,}."
    else:
        low, high = (-row["high"], -row["low"]) if row["verdict"] == DOWN else (row["low"], row["high"])
        interval = f"(95% interval {low:,.1f} to {high:,.1f}, {row['weeks']} weeks)".replace("-", "−")
        by = f"{abs(row['per_week']):,.1f} a week"
        sentence = {
            UP: f"Followers grew by {by} {interval}: {span}.",
            DOWN: f"Followers shrank by {by} {interval}: {span}.",
            WITHIN_NORMAL_VARIATION: f"Followers went {span}, {row['per_week']:+,.1f} a week {interval}, "
            "within normal variation.".replace("-", "−"),
        }[row["verdict"]]
    weekly = seen.sort("snapshot_date", descending=True).gather_every(7).head(TABLE_ROWS)
    table = weekly.select(
        pl.col("snapshot_date").alias("Day of the sync"), pl.col("total_followers").alias("Followers")
    )
    notes = _lost(history.followers, seen)
    return Answer(question, sentence, followers_chart(seen, width=width), table, notes)


def follower_change_answer(history: AccountHistory, *, width: int | str = WIDTH) -> Answer:
    """Answer how the followers of one account changed on each day. The table has net changes, as counts.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> follower_change_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = "How many followers does each day win or lose?"
    changes = follower_changes(history)
    if changes.is_empty():
        seen = _observed(history).height
        return not_enough_data(
            question, f"changes of followers need two syncs on different days, and there are {seen}."
        )
    counted = changes.filter(~pl.col("is_imputed"))
    total = changes["change"].sum()
    best = ""
    if counted["change"].n_unique() > 1:
        most, least = (
            counted.sort("change", "day", descending=[down, False]).row(0, named=True) for down in (True, False)
        )
        best = (
            f" The best day was {format_day(most['day'])} ({signed_count(most['change'])}), the worst "
            f"{format_day(least['day'])} ({signed_count(least['change'])})."
        )
    days = "1 day" if changes.height == 1 else f"{changes.height} days"
    first, last = (format_day(changes["day"][place]) for place in (0, -1))
    sentence = (
        f"{signed_count(float(total))} followers in {days} from {first} to {last}: those won less those lost, "
        f"which is all that is known.{best}"
    )
    table = (
        changes.sort("day", descending=True)
        .head(TABLE_ROWS)
        .select(
            pl.col("day").alias("Day"),
            pl.col("change").alias("Net change of followers"),
            pl.col("followers").alias("Followers at its end"),
            pl.when("is_imputed").then(pl.lit("spread over a gap")).otherwise(pl.lit("counted")).alias("State"),
        )
    )
    notes = (GAPS,) if changes["is_imputed"].any() else ()
    return Answer(question, sentence, follower_changes_chart(changes, width=width), table, notes)


def follower_gains_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer what one account gains per week and 1,000 followers, and whether gains and followers go together.

    `gains_per_thousand` and `follower_association` have the methods.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> follower_gains_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"How many {metric} does a week bring for every 1,000 followers?"
    if why := no_gains(history, metric):
        return Answer(question, why)
    weeks = gains_per_thousand(history, metric).filter(pl.col("per_thousand").is_not_null())
    if weeks.is_empty():
        return not_enough_data(
            question, f"it needs a week of 7 settled days of {metric} during which followers were seen; there is none."
        )
    last = weeks.row(-1, named=True)
    sentence = (
        f"{last['per_thousand']:,.1f} {metric} per 1,000 followers in the {format_week(last['first_day'])} "
        f"({last['gain']:,.0f} {metric}, {last['followers']:,.0f} followers)"
    )
    if weeks.height > 1:
        low, *_, high = weeks["per_thousand"].sort()
        sentence += f"; between {low:,.1f} and {high:,.1f} in the {weeks.height} weeks known"
    sentence += "."
    association = follower_association(history, metric)
    row = association.row(0, named=True) if association.height else {"verdict": None, "reason": None}
    figures = "" if row["verdict"] is None else f"(correlation {row['rho']:+.2f}, p {row['p']:.2f}, {row['days']} days)"
    match row["verdict"]:
        case None if row["reason"]:
            sentence += f" Whether they go together is not known yet: {row['reason']}"
        case None:
            pass
        case verdict if verdict == WITHIN_NORMAL_VARIATION:
            sentence += (
                f" Days with more {metric} win no more and no fewer followers than normal variation explains {figures}."
            )
        case verdict:
            word = "more" if verdict == "rise together" else "fewer"
            sentence += f" Days with more {metric} also win {word} followers {figures}: correlation, not cause."
    table = (
        weeks.sort("first_day", descending=True)
        .head(TABLE_ROWS)
        .select(
            pl.col("first_day").alias(WEEK_OF),
            pl.col("gain").alias(metric.capitalize()),
            pl.col("followers").alias("Followers (mean)"),
            pl.col("per_thousand").alias(f"{metric.capitalize()} per 1,000 followers"),
        )
    )
    notes = (
        "Pins are shown to people who do not follow, too: the rate makes weeks and accounts comparable, and is no "
        f"share of the followers who made {metric}.",
        BACK_FROM_LAST_DAY,
    )
    return Answer(question, sentence, gains_per_thousand_chart(weeks, metric, width=width), table, notes)


def effort_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer whether weeks with more new pins go with more gains of the other pins.

    `effort_association` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> effort_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"Do weeks with more new pins go with more {metric} of the other pins?"
    if why := no_gains(history, metric):
        return Answer(question, why)
    weeks = weekly_effort(history, metric)
    known = weeks["others_next_week"].count()
    if known < MIN_WEEKS:
        return not_enough_data(
            question,
            f"it needs {MIN_WEEKS} whole weeks (Monday to Sunday), each with a whole week after it, and there are "
            f"{known}.",
        )
    found = effort_association(history, metric)
    row = found.filter(pl.col("lag") == 1).row(0, named=True)
    of_new, gained = (float(weeks[name].sum()) for name in ("of_new", "gain"))
    share = of_new / gained if gained else 0.0
    if row["verdict"] is None:
        sentence = f"No verdict: {row['reason']}"
    else:
        figures = f"(rank correlation {row['rho']:+.2f}, 95% interval {row['low']:+.2f} to {row['high']:+.2f})"
        summary = {
            "rise together": "gained more in the week after than in other weeks",
            "move apart": "gained less in the week after than in other weeks",
            WITHIN_NORMAL_VARIATION: f"stayed within normal variation in the week after, over {row['weeks']} weeks",
        }[row["verdict"]]
        sentence = f"After weeks with more new pins, the pins that were there before {summary} {figures}.".replace(
            "-", "−"
        )
    sentence += f" New pins brought {share:.0%} of the {metric} of the weeks in which they were published."
    name = metric.capitalize()
    table = (
        weeks.sort("week", descending=True)
        .head(TABLE_ROWS)
        .select(
            pl.col("week").alias(WEEK_OF),
            pl.col("published").alias("Pins published"),
            pl.col("gain").alias(name),
            pl.col("of_new").alias("Of these, by pins of the week"),
            pl.col("of_others").alias("By the other pins"),
            pl.col("others_next_week").alias("By the other pins a week later"),
            pl.col("others_in_two_weeks").alias("Two weeks later"),
        )
    )
    others = "; ".join(
        f"{'in the same week' if row['lag'] == 0 else 'two weeks later'} {row['rho']:+.2f}".replace("-", "−")
        for row in found.filter((pl.col("lag") != 1) & pl.col("rho").is_not_null()).iter_rows(named=True)
    )
    notes = (
        "New pins gain because they are new, so only the other pins are compared. What goes together need not bring "
        "each other about: a season moves both.",
        *((f"Correlations of the other spans: {others}.",) if others else ()),
    )
    return Answer(question, sentence, effort_chart(weeks, metric, width=width), table, notes)


def _observed(history: AccountHistory) -> pl.DataFrame:
    """Return the followers without the zeros of a lost connection."""
    count = pl.col("total_followers")
    return history.followers.filter(count.is_not_null() & ((count > 0) | (count.max() < ZERO_BELOW)))


def _lost(followers: pl.DataFrame, seen: pl.DataFrame) -> tuple[str, ...]:
    zeros = followers["total_followers"].count() - seen.height
    return (f"{zeros} syncs said 0 followers, as a lost connection does: they are left out.",) if zeros else ()
