"""Compute the count of each pin after its first week, and group pins published at about the same time.

Timing, formats and texts share this outcome. It compares pins at one age, so that old pins are not better for being
old, and among pins published at about the same time, so that a trend or a season does not look like an effect.
"""

import polars as pl

from oneup_pinterest.errors import UserError
from oneup_pinterest.history.by_age import counters_at_age
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once

AGE = 7  # days: each weekday once, and short enough that most pins of a young history have an outcome
MIN_PINS = 20  # with fewer, only a ratio of several times would stand out from chance
WEEKS_PINS, WEEKS_TOGETHER = 20, 4  # weeks form a group up to this many pins, or this many weeks


@computed_once
def first_week_outcomes(
    history: LoadedHistory, metric: str = "saves", *, published_zone: str = "UTC", display_zone: str = "UTC"
) -> pl.DataFrame:
    """Return the count of each pin exactly 7 times 24 hours after its publication.

    Snapshots show whole days (of UTC). A pin published at 23:00 has had one hour of its first day, and one published at
    01:00 nearly all of it: compared at the same age in days, late hours would look bad. So the outcome is interpolated
    (linearly) between the two snapshots around the moment. Columns, sorted by the first two:

    - social_network_id, id
    - value: count, with a fraction
    - moment: of publication, in `display_zone`, without a zone
    - weeks: number of the group of weeks in which the pin was published. A group has whole calendar weeks of one
      account: as many as it takes to have 20 pins, at most four
    - format, media_type, text: as last seen

    There is no row for pins without a publication time or not seen around that age, nor where the metric is not a
    lifetime counter. The API does not document the time zone of its times: `published_zone` is an assumption. An hour
    that a clock skips has no moment; an hour that occurs twice counts as the first one.

    Raises:
        UserError: one of the zones is not in the time zone database.

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 12), "text": "Soup",
    ...     "format": "pin", "media_type": "IMAGE",
    ...     "snapshot_date": [date(2026, 3, 8), date(2026, 3, 9)], "saves": [10, 16],
    ... })
    >>> first_week_outcomes(LoadedHistory(pins), display_zone="Asia/Tokyo").select("value", "moment").row(0)
    (13.0, datetime.datetime(2026, 3, 1, 21, 0))
    """
    check_zones(published_zone, display_zone)
    published = pl.col("published").cast(pl.Datetime("us"))
    utc = _in_zone(published, published_zone, "UTC")
    attributes = (
        latest_pins(history)
        .select("social_network_id", "id", published="timestamp")
        .with_columns(
            target=AGE + (utc - published.dt.truncate("1d")).dt.total_microseconds() / 86_400_000_000,
            moment=_in_zone(published, published_zone, display_zone),
        )
        .filter(pl.col("target").is_not_null())
        .with_columns(early=pl.col("target").floor().cast(pl.Int64))
    )
    ages = sorted({age + step for age in attributes["early"].unique() for step in (0, 1)})
    seen = [counters_at_age(history, age, [metric]).with_columns(age=pl.lit(age, pl.Int64)) for age in ages]
    if not seen:
        seen = [counters_at_age(history, AGE, [metric]).with_columns(age=pl.lit(AGE, pl.Int64)).clear()]
    reached = pl.concat(seen)
    key = ["social_network_id", "id"]
    later = reached.select(*key, pl.col("age") - 1, later=pl.col("value"))
    share = pl.col("target") - pl.col("early")
    return with_weeks(
        attributes.join(reached, left_on=[*key, "early"], right_on=[*key, "age"])
        .join(later, left_on=[*key, "early"], right_on=[*key, "age"], how="left")
        .with_columns(
            value=pl.when(share == 0)
            .then(pl.col("value"))
            .otherwise(pl.col("value") + share * (pl.col("later") - pl.col("value")))
        )
        .filter(pl.col("value").is_not_null())
        .select(*key, "value", "moment", "format", "media_type", "text")
    ).select(*key, "value", "moment", "weeks", "format", "media_type", "text")


def with_weeks(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return the outcomes, sorted by account and pin, with the column `weeks` of `first_week_outcomes`.

    >>> from datetime import datetime
    >>> days = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3"],
    ...     "moment": [datetime(2026, 3, 2), datetime(2026, 3, 8), datetime(2026, 3, 30)]})
    >>> with_weeks(days)["weeks"].to_list()
    [0, 0, 1]
    """
    week = pl.col("moment").dt.truncate("1w").dt.date()
    counted = outcomes.group_by("social_network_id", week.alias("week")).len().sort("social_network_id", "week").rows()
    groups: list[int] = []
    number, size, account, first = -1, 0, None, None
    for name, day, pins in counted:  # one row per week
        is_full = first is None or size >= WEEKS_PINS or (day - first).days >= 7 * WEEKS_TOGETHER
        if name != account or is_full:
            number = 0 if name != account else number + 1
            size, account, first = 0, name, day
        size += pins
        groups.append(number)
    table = pl.DataFrame(
        {"social_network_id": [row[0] for row in counted], "week": [row[1] for row in counted], "weeks": groups},
        schema={"social_network_id": pl.String, "week": pl.Date, "weeks": pl.Int64},
    )
    return (
        outcomes.with_columns(week=week)
        .join(table, on=["social_network_id", "week"], how="left")
        .drop("week")
        .sort("social_network_id", "id")
    )


def check_zones(*zones: str) -> None:
    """Check that the zones are in the time zone database.

    Raises:
        UserError: one is not; the message names the first such zone.

    >>> check_zones("UTC", "Europe/Berlin")
    """
    for zone in zones:
        try:
            pl.select(pl.lit(0).cast(pl.Datetime("us")).dt.replace_time_zone(zone or "?"))
        except pl.exceptions.PolarsError:
            raise UserError(f"{zone!r} is no time zone: write one like 'Europe/Berlin' or 'UTC'.", 2) from None


def _in_zone(moment: pl.Expr, zone: str, other: str) -> pl.Expr:
    zoned = moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone(other).dt.replace_time_zone(None)
