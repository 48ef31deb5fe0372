"""Find observations that are not credible: impossible counts, zeros in between, dips, and rises that are taken back."""

import polars as pl

SMALL_SHARE, SMALL_COUNT = 0.02, 2  # share of a counter, and count: a fall up to the larger one is a restatement
MAX_COUNT = 2**53  # larger whole numbers are not exact in a float, and no pin comes near
MAX_PER_IMPRESSION, MIN_EXCESS = 10, 100  # impossible: saves or clicks that exceed impressions by more than both
MAX_SPIKE_OBSERVATIONS = 3  # a rise that lasts longer is real
STANDS_OUT = 3  # times the moves near it: a larger jump is not normal for the counter
SURELY_STANDS_OUT = 10  # times, where the fall is as small as that of a restatement
MIN_UNUSUAL_RISE = 20  # counts per day: smaller rises are not worth a warning
MIN_EARLIER_SNAPSHOTS = 2  # with gains: fewer do not show what is usual

MIN_PINS_OF_EVENT = 3  # fewer pins may fall together by chance
BACK_SHARE = 0.8  # of the pins that fell to zero at one snapshot: if so many came back, it was no reset

IMPOSSIBLE, EMPTY, DROPPED, SPIKE, DIP = "impossible", "empty", "dropped", "spike", "dip"


def impossible_counts(observations: pl.DataFrame) -> pl.Series:
    """Return which values are impossible: negative, above 2^53, or far above the impressions of the pin.

    `observations` has pin, value and impressions (counts; impressions are null where unknown, or where they are the
    value). A value is compared with the maximum impressions of its pin, because impressions may dip. A pin without
    any impressions is not compared: the file may simply lack them. The result has one flag per row.

    >>> impossible_counts(pl.DataFrame({"pin": 1, "value": [-1, 5, 9_000], "impressions": [80, 90, 90]})).to_list()
    [True, False, True]
    >>> impossible_counts(pl.DataFrame({"pin": 1, "value": [5, 9_000], "impressions": [90, None]})).to_list()
    [False, True]
    """
    value, shown = pl.col("value"), pl.col("impressions")

    def far_above(shown: pl.Expr) -> pl.Expr:
        return ((value > MAX_PER_IMPRESSION * shown) & (value - shown > MIN_EXCESS)).fill_null(value=False)

    is_outside = ~value.is_between(0, MAX_COUNT).fill_null(value=True)
    may_be_outside = ((value.min() < 0) | (value.max() > MAX_COUNT)).fill_null(value=False)
    # a row without credible impressions is compared with those of the pin's other rows
    is_unknown = ~shown.is_between(0, MAX_COUNT).fill_null(value=False)
    may_be_far_above = far_above(shown) | (is_unknown & (value > MIN_EXCESS) & (shown > 0).any())
    if not observations.select(may_be_outside | may_be_far_above.any()).item():  # nearly all histories end here
        return pl.repeat(value=False, n=observations.height, eager=True)
    most = pl.when(shown.is_between(0, MAX_COUNT)).then(shown).max().over("pin")
    return observations.select(is_outside | ((most > 0) & far_above(most)).fill_null(value=False)).to_series()


def spikes(steps: pl.DataFrame) -> pl.Series:
    """Return which observations belong to a spike: a rise in one step that is taken back within three observations.

    Let a be the value before the rise and b the value after the fall. All of these hold:

    - The fall takes back at least half of the rise.
    - b is not below a, except by as much as a restatement.
    - The rise is more than three times each of the three moves before it, or each of the three after it. Where the
      fall is as small as that of a restatement, it is more than ten times each of them all.

    Before the first observation of a new pin, a is 0. Before that of an older pin, a is unknown: a fall to less than
    half is a reset, unless what is left is more than three times the moves after it.

    `steps` are sorted by pin and day, with pin, value, before and is_new. The result has one flag per row. The rule is
    this project's own; `simulations/glitches.py` measures how often it errs.
    """
    rows = steps.select((pl.col("value") < pl.col("before") - SMALL_COUNT).arg_true()).to_series().cast(pl.Int64)
    if rows.is_empty():
        return pl.repeat(value=False, n=steps.height, eager=True)
    near = _near(steps, rows)
    found = near.select(
        pl.coalesce(
            pl.when(_is_taken_back(length)).then(pl.lit(length)) for length in range(1, MAX_SPIKE_OBSERVATIONS + 1)
        ).alias("length"),
        row=rows,
    ).drop_nulls()
    marked = found.select(pl.int_ranges(pl.col("row") - pl.col("length"), "row").explode()).to_series()
    return pl.int_range(steps.height, eager=True).is_in(marked.unique().implode())


def _near(steps: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Return columns "-7" to "3": the values of the same pin, that many rows from each of `rows`; null beyond the pin.

    `new-3` to `new-1`: whether that observation was the first one of a new pin.
    """
    pins = steps["pin"].gather(rows)
    columns = {}
    for offset in range(-2 * MAX_SPIKE_OBSERVATIONS - 1, MAX_SPIKE_OBSERVATIONS + 1):
        places = rows + offset
        places = places.set((places < 0) | (places >= steps.height), None)
        is_same = (steps["pin"].gather(places) == pins).fill_null(value=False)
        columns[f"{offset}"] = steps["value"].gather(places).set(~is_same, None)
        if -MAX_SPIKE_OBSERVATIONS <= offset < 0:
            columns[f"new{offset}"] = steps["is_new"].gather(places).fill_null(value=False) & is_same
    return pl.DataFrame(columns)


def _is_taken_back(length: int) -> pl.Expr:
    """Return whether the fall at offset 0 of `_near` ends a spike of `length` observations."""

    def move(offset: int) -> pl.Expr:
        return (pl.col(f"{offset}") - pl.col(f"{offset - 1}")).abs()

    run = [pl.col(f"{offset}") for offset in range(-length, 0)]
    before = pl.when(pl.col(f"new{-length}")).then(0).otherwise(pl.col(f"{-length - 1}"))
    after, rise, fall = pl.col("0"), run[0] - before, run[-1] - pl.col("0")
    steps = range(1, MAX_SPIKE_OBSERVATIONS + 1)
    earlier = pl.max_horizontal(move(-length - step) for step in steps)
    later = pl.max_horizontal(move(step) for step in steps)
    usual = pl.min_horizontal(earlier, later).fill_null(0)
    usual_at_most = pl.max_horizontal(earlier, later).fill_null(0)
    is_small = fall <= SMALL_SHARE * run[-1]  # most likely a restatement
    lost = before - after
    is_spike = (
        (pl.min_horizontal(run) > pl.max_horizontal(before, after))
        & (lost <= pl.max_horizontal(pl.lit(SMALL_COUNT), SMALL_SHARE * before))
        & (2 * lost <= rise)
        & (2 * fall >= rise)
        & (rise > STANDS_OUT * usual)
        & (~is_small | (rise > SURELY_STANDS_OUT * (usual_at_most + SMALL_COUNT)))
    )
    # the value before an older pin's first observation is unknown: a fall to less than half looks like a reset, but
    # what is left here is more than a counter could gain after a reset
    is_first = before.is_null() & run[0].is_not_null() & ~pl.col(f"new{-length}")
    is_first_spike = (
        is_first
        & (2 * after < pl.min_horizontal(run))
        & (fall > STANDS_OUT * later)
        & (after > STANDS_OUT * (later + SMALL_COUNT))
    )
    return (is_spike.fill_null(value=False) | is_first_spike).fill_null(value=False)


def dropped_zeros(steps: pl.DataFrame) -> pl.Series:
    """Return which zeros are dropped counts: the counter was above 0 before, and came back to there in one step.

    One pin that comes back may have been counted from zero and risen quickly. So one of these holds as well:

    - At least three pins fell from more than two counts to zero at the same snapshot, and 80% of all that fell to zero
      there came back.
    - The pin had at least 20 counts, and came back to no more than three times its usual rises above them.

    A pin that is counted from zero and does not come back to its old level in one step was reset. `steps` are sorted by
    pin and day, with account, pin, snapshot_date, value and before. The result has one flag per row.

    >>> from datetime import date
    >>> days = [date(2026, 3, day) for day in range(1, 6)]
    >>> steps = pl.DataFrame({"account": 0, "pin": 0, "snapshot_date": days, "value": [60, 65, 0, 0, 70],
    ...     "before": [None, 60, 65, 0, 0]})
    >>> dropped_zeros(steps).to_list()
    [False, False, True, True, False]
    """
    none = pl.repeat(value=False, n=steps.height, eager=True)
    is_start = ((pl.col("value") == 0) & (pl.col("before") > 0)).fill_null(value=False)
    pins = steps.filter(is_start)["pin"].unique()
    if pins.is_empty():
        return none
    rise = (pl.col("value") - pl.col("before")).clip(0)
    runs = (
        steps.select("account", "pin", "snapshot_date", "value", "before", is_start=is_start)
        .with_row_index("row")
        .filter(pl.col("pin").is_in(pins.implode()))
        .with_columns(
            run=pl.col("is_start").cum_sum().over("pin"),
            usual=rise.rolling_max(MAX_SPIKE_OBSERVATIONS, min_samples=1).shift(1).over("pin"),
        )
        .filter(pl.col("run") > 0)
        .group_by("pin", "run")
        .agg(
            pl.col("account", "snapshot_date").first(),
            pl.col("usual").first().fill_null(0),
            first=pl.col("row").first(),
            lost=pl.col("before").first(),
            zeros=(pl.col("value") > 0).arg_max(),  # 0 where the counter stays at zero
            back=pl.col("value").filter(pl.col("value") > 0).first(),
        )
        .with_columns(is_back=(pl.col("back") >= (1 - SMALL_SHARE) * pl.col("lost")).fill_null(value=False))
        .with_columns(
            fell=(pl.col("lost") > SMALL_COUNT).sum().over("account", "snapshot_date"),
            came_back=pl.col("is_back").mean().over("account", "snapshot_date"),
        )
    )
    together = (pl.col("fell") >= MIN_PINS_OF_EVENT) & (pl.col("came_back") >= BACK_SHARE)
    usual = STANDS_OUT * (pl.col("usual") + SMALL_COUNT) * (pl.col("zeros") + 1)
    alone = (pl.col("lost") >= MIN_UNUSUAL_RISE) & (pl.col("back") <= pl.col("lost") + usual)
    found = runs.filter(pl.col("is_back") & (together | alone))
    rows = found.select(pl.int_ranges("first", pl.col("first") + pl.col("zeros")).explode()).to_series()
    return none.scatter(rows, True) if found.height else none


def dips(steps: pl.DataFrame, segment: pl.Expr, is_break: pl.Expr) -> pl.Series:
    """Return which observations belong to a dip: a fall from which the counter came back in one step.

    It comes back all the way, and that step is more than three times each of the last three rises before the fall.
    `steps` are sorted by pin and day, with value and before (counts); `segment` numbers the observations between two
    resets, `is_break` marks their starts. The result has one flag per row.
    """
    if not steps.select(is_break.any()).item():
        return pl.repeat(value=False, n=steps.height, eager=True)
    rise = (pl.col("value") - pl.col("before")).clip(0).fill_null(0)
    found = (
        steps.with_columns(segment=segment, is_break=is_break)
        .with_columns(
            top=pl.col("value").cum_max().over("segment"),
            # the usual rise; unknown after a single observation
            largest=pl.when(~pl.col("is_break") & pl.col("before").is_not_null())
            .then(rise)
            .rolling_max(MAX_SPIKE_OBSERVATIONS, min_samples=1)
            .over("segment"),
        )
        .with_columns(  # the segment before, in the same pin
            lost=pl.when("is_break").then(pl.col("top").shift(1)),
            usual=pl.when("is_break").then(pl.col("largest").shift(1)),
            low="value",
        )
        .with_columns(pl.col("lost", "usual", "low").first().over("segment"))
        .with_columns(
            is_return=(pl.col("value") >= (1 - SMALL_SHARE) * pl.col("lost"))
            & (pl.col("before") < (1 - SMALL_SHARE) * pl.col("lost"))
            & (rise > STANDS_OUT * pl.col("usual"))
            & (2 * rise >= pl.col("lost") - pl.col("low"))
            & ~pl.col("is_break"),
        )
    )
    returned = pl.col("is_return").fill_null(value=False).cum_sum(reverse=True).over("segment") > 0
    before_return = returned & ~pl.col("is_return").fill_null(value=False)
    before_return &= pl.col("is_return").fill_null(value=False).cum_sum().over("segment") == 0
    return found.select(before_return).to_series()


def unconfirmed_rises(steps: pl.DataFrame) -> pl.Series:
    """Return which rises may still be taken back: no pin of the account ever gained nearly as much in a day before.

    A rise (counts per day) is unusual above three times the largest one at the account's earlier snapshots, plus 20,
    so that small counts do not stand out. It stays unconfirmed until the pin has more than three observations from
    the rise on. `steps` have pin, account, snapshot_date, before_on, published, value, top_before, fall and is_new.
    The result has one flag per row.
    """
    none = pl.repeat(value=False, n=steps.height, eager=True)
    above = pl.col("value") - pl.col("top_before").fill_null(0)
    rows = steps.select((above > MIN_UNUSUAL_RISE).arg_true()).to_series().cast(pl.Int64)
    later = rows + MAX_SPIKE_OBSERVATIONS
    is_late = steps["pin"].gather(later.set(later >= steps.height, None)) != steps["pin"].gather(rows)
    rises = steps[rows].lazy().with_columns(row=rows, is_late=is_late.fill_null(value=True))
    large = _per_day(rises).filter(pl.col("per_day") > MIN_UNUSUAL_RISE).collect()
    late = large.filter("is_late")
    # most histories end here, so the many small rises need no look
    if late.is_empty() or _unusual(late, _largest_before(large.lazy())).is_empty():
        return none
    unusual = _unusual(late, _largest_before(_per_day(steps.lazy())))
    return none.scatter(unusual.filter(pl.col("snapshots") >= MIN_EARLIER_SNAPSHOTS)["row"], True)


def _per_day(steps: pl.LazyFrame) -> pl.LazyFrame:
    """Add `per_day`: counts per day that the counter rose; null where unknown."""
    gained = pl.when("is_new").then("value").when(pl.col("fall").is_null()).then(pl.col("value") - pl.col("top_before"))
    since = pl.when("is_new").then("published").otherwise("before_on")
    return steps.with_columns(per_day=gained / (pl.col("snapshot_date") - since).dt.total_days().clip(1))


def _largest_before(rises: pl.LazyFrame) -> pl.DataFrame:
    """Return account, snapshot_date, earlier (largest rise at the snapshots before) and snapshots (their number)."""
    return (
        rises.group_by("account", "snapshot_date")
        .agg(pl.col("per_day").max())
        .drop_nulls()
        .sort("account", "snapshot_date")
        .select(
            "account",
            "snapshot_date",
            earlier=pl.col("per_day").cum_max().shift(1).over("account"),
            snapshots=pl.int_range(pl.len()).over("account"),
        )
        .collect()
    )


def _unusual(late: pl.DataFrame, largest: pl.DataFrame) -> pl.DataFrame:
    """Return the rises that are unusual against the account's earlier ones."""
    earlier = pl.col("earlier").fill_null(0)
    known = late.select("account", "snapshot_date", "row", "per_day")
    return known.join(largest, on=["account", "snapshot_date"]).filter(
        pl.col("per_day") > STANDS_OUT * earlier + MIN_UNUSUAL_RISE
    )
