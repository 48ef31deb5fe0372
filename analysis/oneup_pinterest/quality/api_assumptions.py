"""Judge what this kit assumes about undocumented behavior of the API: supported, contradicted or undecided by the data.

OneUp does not document which pins `posts` lists, what their counters count, whether dates are inclusive or whether
lists are cut (`docs/connector.md`). The API is the same for every account, so all accounts of a file count together.
"""

import polars as pl

from oneup_pinterest.formatting import format_list
from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import consecutive_observations
from oneup_pinterest.quality.checks.context import KEPT_DAYS, MIN_CASES, MIN_IMPRESSIONS, NEARLY_ALL_THRESHOLD
from oneup_pinterest.quality.checks.duplicate_images import duplicate_image_groups
from oneup_pinterest.quality.window_sums import (
    SUSPECT_COUNTS,
    WINDOW,
    agreement_of_impressions,
    figures_of_old_periods,
    pins_against_totals,
    sums_per_response,
)

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
SCHEMA = {"number": pl.Int64, "assumption": pl.String, "verdict": pl.String, "evidence": pl.String}

Judgment = tuple[str, str]

_RESPONSE = [*WINDOW, "snapshot_date"]


def judge_assumptions(history: LoadedHistory) -> pl.DataFrame:
    """Return a verdict on each assumption about the API.

    Args:
        pins: Pins of all accounts, as `load_pins` returns them.
        totals: Totals of the responses, as `load_pin_totals` returns them.
        overview: Totals of the accounts, as `load_overview_metrics` returns them.

    Columns, one row per assumption, always the same ones in the same order:

    - number: the open question that it belongs to: 1 dates, 2 window and counters, 4 a cap, 7 what is kept,
      8 duplicate images
    - assumption: what this kit assumes, as a sentence
    - verdict: `supported`, `contradicted` or `undecided`
    - evidence: a sentence with the counts behind the verdict, or what is missing for one

    >>> from oneup_pinterest.database.schema import TABLES
    >>> judged = judge_assumptions(LoadedHistory(pl.DataFrame(schema=TABLES["pins"].schema)))
    >>> set(judged["verdict"]), judged["number"].to_list()
    ({'undecided'}, [1, 1, 2, 2, 2, 4, 7, 8])
    """
    judged: list[tuple[int, str, Judgment]] = [
        (1, "A window includes its first day.", _window_edge(history, "period_start", "first")),
        (1, "A window includes its last day.", _window_edge(history, "period_end", "last")),
        (2, "`posts` lists the pins published in the window, not those active in it.", _membership(history)),
        (2, "The counters of a pin cover its whole life.", _counters(history)),
        (2, "The totals that come with pins cover the account's activity, not only these pins.", _totals(history)),
        (4, "`posts` lists every pin of the window, however many there are.", _cap(history)),
        (7, f"Figures from more than {KEPT_DAYS} days before a sync may be missing.", _retention(history.overview)),
        (
            8,
            "Pins that share an image and a link have the same counters, so sums count them twice.",
            _duplicate_images(history),
        ),
    ]
    rows = [(number, text, verdict, evidence) for number, text, (verdict, evidence) in judged]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _window_edge(history: LoadedHistory, edge: str, which: str) -> Judgment:
    """Judge whether a window's response lists the pins that other responses show to be published on its edge day.

    Where no other response has such a pin, as after one sync, the days between the edges say how many to expect.
    """
    windows = sums_per_response(history).select(_RESPONSE).drop_nulls()
    known = latest_pins(history).select("social_network_id", "id", _published().alias(edge)).drop_nulls()
    on_edge = windows.join(known, on=["social_network_id", edge])
    listed = history.pins.select(*_RESPONSE, "id", published=_published()).filter(pl.col("published") == pl.col(edge))
    there, pairs = on_edge.join(listed, on=[*_RESPONSE, "id"], how="semi").height, on_edge.height
    day = f"on the {which} day of a window"
    evidence = f"{there:,} of {pairs:,} times that a pin was published {day}, the response listed it."
    if pairs == 0:
        days = windows.select((pl.col("period_end") - pl.col("period_start")).dt.total_days() - 1).sum().item() or 0
        dated = history.pins.select("period_start", "period_end", published=_published()).drop_nulls()
        inside = dated.filter(pl.col("published").is_between("period_start", "period_end", closed="none")).height
        expected = inside / days * windows.height if days > 0 else 0.0
        if expected >= MIN_CASES:  # a Poisson number with this mean is 0 less than once in a thousand times
            return CONTRADICTED, f"No pin was published {day}; the days between suggest {expected:.0f}."
    if pairs < MIN_CASES:
        return UNDECIDED, f"{_times(pairs).capitalize()} a pin was published {day}; {MIN_CASES} are needed."
    if there >= NEARLY_ALL_THRESHOLD * pairs:
        return SUPPORTED, evidence
    if there <= (1 - NEARLY_ALL_THRESHOLD) * pairs:
        return CONTRADICTED, evidence
    return UNDECIDED, f"{evidence} Timestamps and windows may be in different time zones."


def _membership(history: LoadedHistory) -> Judgment:
    """Judge whether pins that were published before a window, but gain in it, are listed."""
    published, one = _published(), pl.duration(days=1)  # the time zone of the timestamps is not known
    is_dated = published.is_not_null() & pl.col("period_start").is_not_null()
    is_inside = published.is_between(pl.col("period_start") - one, pl.col("period_end") + one)
    rows, outside = history.pins.select(is_dated.sum(), outside=(is_dated & ~is_inside).sum()).row(0)
    if outside:
        evidence = f"{outside:,} of {rows:,} rows are of pins published more than a day outside their window."
        return CONTRADICTED if outside > (1 - NEARLY_ALL_THRESHOLD) * rows else UNDECIDED, evidence
    newest = history.pins.group_by("social_network_id").agg(
        newest=pl.col("snapshot_date").max(), requested_from=pl.col("period_start").max()
    )
    left_out = (
        latest_pins(history)
        .join(newest, on="social_network_id")
        .filter((published < pl.col("requested_from") - one) & (pl.col("snapshot_date") < pl.col("newest")))
    )
    last_week = pl.col("impressions").tail(8)
    gone = (
        history.pins.join(left_out, on=["social_network_id", "id"], how="semi")
        .sort("snapshot_date")
        .group_by("social_network_id", "id")
        .agg(rose=last_week.last() > last_week.first())
    )["rose"].sum()
    evidence = (
        f"All {rows:,} rows are of pins published in their window; {gone:,} pins that still gained impressions in "
        "their last week were no longer listed once they were too old for the window."
    )
    return (SUPPORTED, evidence) if gone >= MIN_CASES else (UNDECIDED, f"{evidence} {MIN_CASES} are needed.")


def _counters(history: LoadedHistory) -> Judgment:
    """Judge whether counters fall, as those of a moving window do, or follow the length of the requested window."""
    shorter, fell = _after_shorter_windows(history)
    if shorter >= MIN_CASES and fell > 0.5 * shorter:
        return CONTRADICTED, (
            f"{fell:,} of {shorter:,} times that a pin was seen in a shorter window than before, its impressions fell."
        )
    types = counter_types(history).filter(pl.col("falls") + pl.col("rises") > 0)
    rolling = types.filter(pl.col("counter_type") == "rolling")
    judged = rolling if rolling.height else types
    falls, moves = sum(judged["falls"].to_list()), sum(judged["falls"].to_list()) + sum(judged["rises"].to_list())
    evidence = f"{falls:,} of {moves:,} times that a counter moved, it fell"
    if rolling.height:
        accounts, of = (frame["social_network_id"].n_unique() for frame in (rolling, types))
        return CONTRADICTED, f"In {accounts:,} of {of:,} accounts counters are rolling: {evidence}."
    ruled_out = max(types["rules_out_days"].drop_nulls().to_list(), default=0)
    if ruled_out >= KEPT_DAYS:
        return SUPPORTED, f"{evidence}, and hardly ever in pins more than {ruled_out:,} days old, which still rose."
    so_far = f"a window of {ruled_out:,} days or fewer is ruled out" if ruled_out else "no window is ruled out yet"
    return UNDECIDED, (
        f"{evidence}; {so_far}. Only pins older than {KEPT_DAYS} days can show whether a counter covers "
        f"{KEPT_DAYS} days or a whole life."
    )


def _after_shorter_windows(history: LoadedHistory) -> tuple[int, int]:
    """Return how often a pin was seen in a much shorter window than before, and how often its counter then fell."""
    length = history.pins.select((pl.col("period_end") - pl.col("period_start")).dt.total_days()).to_series()
    if length.n_unique() < 2:
        return 0, 0
    steps = consecutive_observations(history, ["impressions"]).steps["impressions"]
    lengths = steps.select("value", "before", length=length[steps["row"]])
    # an earlier observation is in the row above
    shorter = lengths.filter((pl.col("before") > 0) & (pl.col("length") < 0.8 * pl.col("length").shift(1)))
    return shorter.height, shorter.filter(pl.col("value") < pl.col("before")).height


def _totals(history: LoadedHistory) -> Judgment:
    """Judge whether the totals that come with pins are the sums over them, in accounts that also have older pins."""
    both = agreement_of_impressions(history)
    agree = both.filter("agrees").height
    if both.height < MIN_CASES:
        return UNDECIDED, f"{both.height:,} responses of accounts with older pins have both; {MIN_CASES} are needed."
    share = both.filter(pl.col("total") > 0).select((pl.col("pins_sum") / pl.col("total")).median()).item()
    median = "" if share is None else f"; the median share is {100 * share:.0f}%"
    evidence = (
        f"In {agree:,} of {both.height:,} responses of accounts with older pins, the impressions of the pins add up to "
        f"the total that came with them{median}."
    )
    if agree >= NEARLY_ALL_THRESHOLD * both.height:
        return CONTRADICTED, evidence
    return SUPPORTED if agree <= (1 - NEARLY_ALL_THRESHOLD) * both.height else UNDECIDED, evidence


def _cap(history: LoadedHistory) -> Judgment:
    """Judge whether a list of pins is ever cut, at 50 or 100 pins or at all."""
    sizes = sums_per_response(history)
    largest = max(sizes["pins"].to_list(), default=0)
    posts = pins_against_totals(history).filter(pl.col("key") == "posts")
    short = posts.filter(pl.col("pins_sum") < pl.col("total"))
    if short.filter(pl.col("pins") == largest).height:
        return CONTRADICTED, (
            f"{short.height:,} of {posts.height:,} responses have fewer pins than posts, and none has more than "
            f"{largest:,} pins."
        )
    if largest > max(SUSPECT_COUNTS):
        return UNDECIDED if short.height else SUPPORTED, (
            f"The largest response has {largest:,} pins; {posts.height - short.height:,} of {posts.height:,} responses "
            "have at least as many pins as posts."
        )
    full = sizes.filter(pl.col("pins") == largest).height
    exactly = f", exactly, {_times(full)}" if largest in SUSPECT_COUNTS else ""
    return UNDECIDED, f"The largest response has {largest:,} pins{exactly}; none has more than {max(SUSPECT_COUNTS)}."


def _retention(overview: pl.DataFrame) -> Judgment:
    """Judge whether periods that ended before Pinterest's 90 days have figures, in accounts with figures since then."""
    old = figures_of_old_periods(overview)
    there = old.filter(pl.col("figures") > 0).height
    presets = old["preset"].drop_nulls().unique().sort().to_list()
    periods = f"periods{f' ({format_list(presets)})' if presets else ''}"
    if old.height < MIN_CASES:
        return (
            UNDECIDED,
            f"{_times(old.height).capitalize()} a period that ended so long before was requested; "
            f"{MIN_CASES} are needed.",
        )
    evidence = f"{there:,} of {old.height:,} {periods} that ended so long before have figures."
    return CONTRADICTED if there >= NEARLY_ALL_THRESHOLD * old.height else SUPPORTED, evidence


def _duplicate_images(history: LoadedHistory) -> Judgment:
    """Judge whether pins of one image have the same counters."""
    images = (
        latest_pins(history)
        .filter(pl.col("media_url").is_not_null() & (pl.col("impressions") >= MIN_IMPRESSIONS))
        .group_by("social_network_id", "media_url")
        .agg(pl.col("id").n_unique())
        .filter(pl.col("id") > 1)
    )
    equal = duplicate_image_groups(history).height
    evidence = (
        f"{images.height:,} images belong to several pins with at least {MIN_IMPRESSIONS} impressions each; {equal:,} "
        "groups of such pins have equal counters at every snapshot."
    )
    if images.height < MIN_CASES:
        return UNDECIDED, f"{evidence} {MIN_CASES} images are needed."
    if equal == 0:
        return CONTRADICTED, evidence
    return SUPPORTED if equal >= 0.5 * images.height else UNDECIDED, evidence


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _published() -> pl.Expr:
    return pl.col("timestamp").cast(pl.Datetime("us")).dt.date()
