"""What a made-up account is asked to be, and what it is: gains per pin and day, pin attributes, and the truth."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

METRICS = ("impressions", "saves", "clicks")
FORMATS = ("pin", "video", "carousel")
WORD = "spring"  # the title word that carries `Design.word_effect`
VIDEO = "video"  # the format that carries `Design.format_effect`
SATURDAY = 5  # the weekday that carries `Design.weekday_effect`; Monday is 0


@dataclass(frozen=True)
class Design:
    """Describe the account to draw: its size, its publication, and the effects put into it.

    Every effect is a factor of a mean, and 1.0 is the null. `effect` changes `effect_metrics` of all pins during the
    last `effect_days` days, so with the default metrics it also changes the rates per impression. The other effects
    multiply the reach of some pins for their whole life, and thereby all metrics.
    """

    days: int = 56
    pins_per_day: float = 2.0  # ignored when `batch` is set
    log_sd: float = 1.0  # spread of the log reach between pins
    effect: float = 1.0
    effect_days: int = 28
    effect_metrics: tuple[str, ...] = ("saves", "clicks")
    batch: int = 0  # pins per weekly batch, all published on one weekday; 0 spreads pins over days
    new_pin_effect: float = 1.0  # pins published in the last `effect_days` days
    word_effect: float = 1.0
    word_share: float = 0.3
    weekday_effect: float = 1.0
    format_effect: float = 1.0
    day_sd: float | None = None  # log sd of the daily swings that all pins share; None leaves it to the family
    history_days: int = 0  # observed days before the `days`
    first_weekday: int | None = None  # weekday of day 0, Monday 0; None draws it

    def __post_init__(self) -> None:
        """Refuse sizes and factors from which no account can be drawn."""
        sizes = (self.days - 1, self.effect_days, self.history_days, self.batch, self.pins_per_day, self.log_sd)
        factors = (self.effect, self.new_pin_effect, self.word_effect, self.weekday_effect, self.format_effect)
        if min(*sizes, *factors, self.day_sd or 0.0) < 0:
            raise ValueError("`days` must be at least 1, and no other size or effect may be negative.")
        if not 0 <= self.word_share <= 1 or not set(self.effect_metrics) <= set(METRICS):
            raise ValueError(f"`word_share` is a share, and `effect_metrics` are among {METRICS}.")

    @property
    def total_days(self) -> int:
        """Return the number of observed days, history included."""
        return self.history_days + self.days

    @property
    def start(self) -> int:
        """Return the first day of the effect."""
        return max(0, self.total_days - self.effect_days)


@dataclass(frozen=True)
class IndependentWorld:
    """Hold the true gains of one account, the attributes of its pins, and the truth about its effects.

    Day 0 is the first observed day, `Design.history_days` included. `truth` holds:

    - `ratio`: the step applied to the saves and clicks (`Design.effect_metrics`) of all pins, from day `start` on.
    - `drift`: the expected ratio of the account's gains, last `effect_days` days to as many before, without the
      effect and over all that is random; 1.0 where the process is stationary.
    - `given_pins`: the same ratio given which pins were published and how large they are, before swings and noise;
      it includes the effects on reach (`new_pin_effect`, …). NaN where the days before were not observed.
    - `new_pin_ratio`, `word_ratio`, `weekday_ratio`, `format_ratio`: the factors of reach that were applied.
    - `weekday`: the weekday that carries its effect. The word is `WORD`, the format is `VIDEO`.
    - `weekday_null`, `cohort_null`: 1.0 if pins differ by publication weekday, or recent pins from earlier ones, only
      by the factors above; 0.0 if the account's calendar also makes them differ.
    """

    gains: dict[str, NDArray[np.int64]]  # metric -> (days, pins)
    before: dict[str, NDArray[np.int64]]  # metric -> (pins,), gained before day 0
    born: NDArray[np.int64]  # day of publication, negative before day 0
    minute: NDArray[np.int64]  # minute of that day
    first_weekday: int  # of day 0, Monday 0
    title: list[str]
    format: list[str]
    has_word: NDArray[np.bool_]
    topic: NDArray[np.int64]
    bursts: NDArray[np.int64]  # (bursts, 3): pin, first day, days at the height; a first day may precede day 0
    truth: dict[str, float]

    @property
    def weekday(self) -> NDArray[np.int64]:
        """Return the weekday on which each pin was published, Monday 0."""
        return (self.born + self.first_weekday) % 7

    @property
    def burst_pins(self) -> NDArray[np.int64]:
        """Return the indices of the pins with an injected burst."""
        return np.unique(self.bursts[:, 0])

    def aligned_date(self, near: date) -> date:
        """Return the first date from `near` on that has the weekday of day 0."""
        return near + timedelta(days=(self.first_weekday - near.weekday()) % 7)

    def counters(self) -> dict[str, NDArray[np.int64]]:
        """Return each metric's lifetime counters at the end of each day, shape (days, pins)."""
        return {metric: self.before[metric] + gains.cumsum(axis=0) for metric, gains in self.gains.items()}

    def pins_frame(self, first_date: date, *, opening: bool = False, repins: bool = False) -> pl.DataFrame:
        """Return one snapshot per pin and day on which it exists, ordered by day.

        The gains of day 0 are inside its first snapshot and cannot be told from it. With `opening` a snapshot of the
        end of the day before `first_date` comes first, so that the gains of all days can be computed. With `repins`
        there is a column that repeats the saves: Pinterest has one such metric.

        Raises:
            ValueError: `first_date` has not the weekday of day 0; see `aligned_date`.
        """
        if first_date.weekday() != self.first_weekday:
            raise ValueError(f"Day 0 has weekday {self.first_weekday}, {first_date} has {first_date.weekday()}.")
        counters = self.counters()
        first = 0
        if opening:
            first = -1
            counters = {metric: np.vstack([self.before[metric], values]) for metric, values in counters.items()}
        count = len(counters["saves"])
        row, pin = np.nonzero(self.born <= np.arange(first, first + count)[:, None])
        day_zero = np.datetime64(first_date, "D")
        published = (day_zero + self.born).astype("datetime64[us]") + self.minute.astype("timedelta64[m]")
        pins = pl.DataFrame(
            {
                "social_network_id": ["pin_a"] * len(self.born),
                "id": [str(9_000_000_000_000 + 37 * number) for number in range(len(self.born))],
                "timestamp": published.astype("datetime64[us]"),
                "text": self.title,
                "format": self.format,
                "media_type": ["VIDEO" if format == VIDEO else "IMAGE" for format in self.format],
            }
        )
        frame = pins[pin].with_columns(
            pl.Series("snapshot_date", (day_zero + row + first).astype("datetime64[D]"), dtype=pl.Date),
            *(pl.Series(metric, values[row, pin], dtype=pl.Int64) for metric, values in counters.items()),
        )
        if repins:
            frame = frame.with_columns(repins="saves")
        order = ["social_network_id", "id", "timestamp", "text", "snapshot_date", "format", "media_type"]
        return frame.select(*order, pl.exclude(order))
