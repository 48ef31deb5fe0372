"""What the report and the notebooks say of an account: its totals, its best pins, its last weeks in a sentence."""

from datetime import date, timedelta

import polars as pl

from oneup_pinterest.formatting import format_day
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.observations import METRICS

TOTALS = ("posts", *METRICS)
SETTLED_AFTER = 3  # days after its end: Pinterest restates the last two days
PROVISIONAL_TOTALS = (
    "Provisional: the period was read less than three days after its end, and Pinterest may still restate its last two "
    "days."
)
MARKS = {"up": "▲", "down": "▼", "unchanged": "=", "from zero": "▲", "unknown": "?"}


def account_totals(overview: pl.DataFrame) -> pl.DataFrame:
    """The newest period of each account, from `load_overview_metrics`, with the change worked out from its counts.

    Columns: social_network_id, preset, period_start, period_end; key, name, description of the metric; now, before
    (counts in this period and in the one before it); change (percent of `before`; null where that is 0 or unknown);
    direction (up, down, unchanged, from zero, unknown); is_provisional (the period was read less than three days after
    its end, so Pinterest may still restate its last two days). One row per account and metric, in OneUp's order. Of
    several presets only the one that was synced last: they are never mixed.

    >>> overview = pl.DataFrame({"social_network_id": "pin_a", "preset": "last_7_days", "key": ["saves", "clicks"],
    ...     "name": "", "description": "", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7),
    ...     "value_current_period": [450.0, 3.0], "value_last_period": [360.0, 0.0], "_airbyte_extracted_at": None})
    >>> account_totals(overview).select("key", "now", "before", "change", "direction").rows()
    [('saves', 450.0, 360.0, 25.0, 'up'), ('clicks', 3.0, 0.0, None, 'from zero')]
    """
    now, before = pl.col("now"), pl.col("before")
    overview = of_last_preset(overview)
    newest = overview.group_by("social_network_id").agg(pl.col("period_end").max())
    order = pl.col("key").replace_strict(
        list(TOTALS), list(range(len(TOTALS))), default=len(TOTALS), return_dtype=pl.Int64
    )
    return (
        overview.join(newest, on=["social_network_id", "period_end"], how="semi")
        .rename({"value_current_period": "now", "value_last_period": "before"})
        .sort("social_network_id", order, "key")
        .with_columns(change=pl.when(before > 0).then((now - before) / before * 100))
        .with_columns(
            direction=pl.when(now.is_null() | before.is_null())
            .then(pl.lit("unknown"))
            .when(now == before)
            .then(pl.lit("unchanged"))
            .when(before == 0)
            .then(pl.lit("from zero"))
            .when(now > before)
            .then(pl.lit("up"))
            .otherwise(pl.lit("down")),
            is_provisional=is_provisional_period(),
        )
        .select(
            "social_network_id",
            "preset",
            "period_start",
            "period_end",
            "key",
            "name",
            "description",
            "now",
            "before",
            "change",
            "direction",
            "is_provisional",
        )
    )


def of_last_preset(overview: pl.DataFrame) -> pl.DataFrame:
    """The rows of each account's preset that was synced last: presets are never mixed in one series.

    >>> overview = pl.DataFrame({"social_network_id": "pin_a", "preset": ["last_7_days", "last_30_days"],
    ...     "period_end": [date(2026, 3, 7), date(2026, 3, 8)], "_airbyte_extracted_at": None})
    >>> of_last_preset(overview)["preset"].to_list()
    ['last_30_days']
    """
    if overview["preset"].n_unique() < 2:
        return overview
    chosen = (
        overview.with_columns(synced=pl.col("_airbyte_extracted_at").max().over("social_network_id", "preset"))
        .sort("synced", "period_end", "preset", descending=True, nulls_last=True)
        .unique("social_network_id", keep="first", maintain_order=True)
        .select("social_network_id", "preset")
    )
    return overview.join(
        chosen, on=["social_network_id", "preset"], how="semi", nulls_equal=True, maintain_order="left"
    )


def is_provisional_period() -> pl.Expr:
    """Whether a stored period was read (UTC) less than three days after its end; not where that is unknown.

    >>> from datetime import datetime
    >>> read = [datetime(2026, 3, 9, 23), datetime(2026, 3, 10, 0)]
    >>> periods = pl.DataFrame({"period_end": date(2026, 3, 7), "_airbyte_extracted_at": read})
    >>> periods.select(is_provisional_period()).to_series().to_list()
    [True, False]
    """
    read = pl.col("_airbyte_extracted_at").cast(pl.Datetime("us")).dt.date()
    return (read < pl.col("period_end") + pl.duration(days=SETTLED_AFTER)).fill_null(value=False)


def preset_note(overview: pl.DataFrame, preset: str | None) -> str | None:
    """Which preset the totals use, where a file holds several; None where it holds one.

    >>> overview = pl.DataFrame({"preset": ["last_7_days", "last_30_days"]})
    >>> preset_note(overview, "last_30_days")
    'The file holds totals of last_30_days and last_7_days; these are of last_30_days, which was synced last.'
    """
    presets = sorted(overview["preset"].drop_nulls().unique().to_list())
    if len(presets) < 2:
        return None
    listed = f"{', '.join(presets[:-1])} and {presets[-1]}"
    return f"The file holds totals of {listed}; these are of {preset}, which was synced last."


def account_names(accounts: pl.DataFrame) -> dict[str, str]:
    """A name for people per `social_network_id`, from `load_accounts`: full name and username, as far as known."""
    names = {}
    for row in accounts.select("social_network_id", "full_name", "username").iter_rows(named=True):
        full, user = (row["full_name"] or "").strip(), (row["username"] or "").strip()
        names[row["social_network_id"]] = f"{full} (@{user})" if full and user else full or user
    return {account: name for account, name in names.items() if name}


def accounts_by_pins(pins_latest: pl.DataFrame, *others: pl.DataFrame) -> list[str]:
    """Every `social_network_id` that any of the frames names, the one with most pins first.

    >>> pins = pl.DataFrame({"social_network_id": ["pin_b", "pin_b", "pin_a"]})
    >>> accounts_by_pins(pins, pl.DataFrame({"social_network_id": ["pin_new"]}))
    ['pin_b', 'pin_a', 'pin_new']
    """
    column = "social_network_id"
    named = pl.concat([frame.select(column) for frame in (pins_latest, *others)]).unique().drop_nulls()
    counted = named.join(pins_latest.group_by(column).len(), on=column, how="left")
    ids: list[str] = counted.sort("len", column, descending=[True, False], nulls_last=True)[column].to_list()
    return ids


def weeks_sentence(gains: pl.DataFrame, metric: str) -> str:
    """Says what one account gained of `metric` in its last 7 settled days and in the 7 before, or why it cannot.

    `gains` is one account of `account_daily_gains`. The provisional days are left out.

    >>> gains = pl.DataFrame({"metric": "saves", "day": [date(2026, 3, day) for day in range(1, 17)], "gain": 2.0,
    ...     "is_provisional": [False] * 14 + [True] * 2, "pins_fallen": 0, "is_imputed": False, "kind": "lifetime"})
    >>> weeks_sentence(gains, "saves")
    '14 saves in the 7 days from 8 Mar 2026 to 14 Mar 2026, and 14 in the 7 days before: the same.'
    """
    rows = gains.filter(pl.col("metric") == metric)
    if not rows["kind"].is_in(USABLE).all():
        return refusal(metric)
    if rows.is_empty():
        return f"Not enough data yet: daily {metric} need at least two syncs on different days."
    rows = rows.filter(~pl.col("is_provisional"))
    last = rows["day"].max()
    if not isinstance(last, date):
        return f"Not enough data yet: all days of {metric} so far are provisional."
    now, before = (
        rows.filter(pl.col("day").is_between(last - timedelta(days=first), last - timedelta(days=first - 6)))
        for first in (6, 13)
    )
    if now.height < 7 or before.height < 7:
        known = now.height + before.height
        return f"Not enough data yet: of two whole weeks of daily {metric}, {known} of 14 days are known."
    if now["gain"].null_count() or before["gain"].null_count():
        return f"Not known: on some of the last 14 days no gain of {metric} could be told."
    here, there = round(now["gain"].sum()), round(before["gain"].sum())
    word = "the same" if here == there else f"{abs(here - there):,} {'more' if here > there else 'fewer'}"
    both = pl.concat([now, before])
    limits = [
        text
        for text, column in (
            ("gains of some days are spread over gaps", "is_imputed"),
            ("counters that fell are left out", "pins_fallen"),
        )
        if both[column].sum()
    ]
    return (
        f"{here:,} {metric} in the 7 days from {format_day(last - timedelta(days=6))} to {format_day(last)}, "
        f"and {there:,} in the 7 days before: {word}{''.join(f'; {text}' for text in limits)}."
    )


def refusal(metric: str) -> str:
    """Why nothing is said of what this metric gained, or of how it grows."""
    return (
        f"No gains of {metric} can be told: its counter falls too often to be one of a pin's whole life (it counts a "
        "window of days that moves on), so its differences are not what was gained."
    )
