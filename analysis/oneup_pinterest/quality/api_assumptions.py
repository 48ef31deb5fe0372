"""What the API does not document, asked of the data: each assumption is supported, contradicted, or cannot be told.

OneUp does not say which pins `posts` lists, what their counters count, whether dates are inclusive or whether lists are
cut (`docs/connector.md`). The API is the same for every account, so all accounts of a file answer together.
"""

import polars as pl

from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import consecutive_observations
from oneup_pinterest.quality.checks.api_windows import (
    SUSPECT_COUNTS,
    old_periods,
    pins_against_totals,
    sums_of_answers,
    totals_that_agree,
)
from oneup_pinterest.quality.checks.context import ENOUGH, KEPT_DAYS, LEAST_IMPRESSIONS, NEARLY_ALL, listed
from oneup_pinterest.quality.checks.duplicate_images import duplicate_image_groups

SUPPORTED, CONTRADICTED, CANNOT_TELL = "supported", "contradicted", "cannot tell"
SCHEMA = {"number": pl.Int64, "assumption": pl.String, "verdict": pl.String, "evidence": pl.String}

Judgement = tuple[str, str]

_WINDOW = ["social_network_id", "snapshot_date", "period_start", "period_end"]


def assumptions(history: LoadedHistory) -> pl.DataFrame:
    """Judge each assumption from the pins, the totals beside them and the overview of a history.

    Columns, one row an assumption, always the same ones in the same order:

    - number: of the unknown that it belongs to: 1 dates, 2 window and counters, 4 a cap, 7 what is kept, 8 twins
    - assumption: what this kit takes for granted, as a sentence
    - verdict: `supported`, `contradicted`, or `cannot tell`
    - evidence: a sentence with the counts behind the verdict, or what is missing for one

    >>> from oneup_pinterest.database.schema import TABLES
    >>> nothing = assumptions(LoadedHistory(pl.DataFrame(schema=TABLES["pins"].schema)))
    >>> set(nothing["verdict"]), nothing["number"].to_list()
    ({'cannot tell'}, [1, 1, 2, 2, 2, 4, 7, 8])
    """
    judged: list[tuple[int, str, Judgement]] = [
        (1, "A window includes its first day.", _edge(history, "period_start", "first")),
        (1, "A window includes its last day.", _edge(history, "period_end", "last")),
        (2, "`posts` lists the pins published in the window, not those active in it.", _membership(history)),
        (2, "The counters of a pin are of its whole life.", _counters(history)),
        (2, "The totals beside the pins are of the account's activity, not sums of these pins.", _totals(history)),
        (4, "`posts` lists every pin of the window, however many there are.", _cap(history)),
        (7, f"Figures from more than {KEPT_DAYS} days before a sync may be missing.", _kept(history.overview)),
        (8, "Pins that share an image and a link have the same counters: sums count them twice.", _twins(history)),
    ]
    rows = [(number, text, verdict, evidence) for number, text, (verdict, evidence) in judged]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _edge(history: LoadedHistory, edge: str, which: str) -> Judgement:
    """Pins that other answers show to be published on the edge day of a window: were they in its answer?

    Where no other answer knows of any, as after one sync, the days between the edges say how many there should be.
    """
    windows = sums_of_answers(history).select(_WINDOW).drop_nulls()
    known = latest_pins(history).select("social_network_id", "id", _published().alias(edge)).drop_nulls()
    on_edge = windows.join(known, on=["social_network_id", edge])
    listed = history.pins.select(*_WINDOW, "id", published=_published()).filter(pl.col("published") == pl.col(edge))
    there, pairs = on_edge.join(listed, on=[*_WINDOW, "id"], how="semi").height, on_edge.height
    day = f"on the {which} day of a window"
    evidence = f"{there:,} of {pairs:,} times that a pin was published {day}, the answer listed it."
    if pairs == 0:
        days = windows.select((pl.col("period_end") - pl.col("period_start")).dt.total_days() - 1).sum().item() or 0
        dated = history.pins.select("period_start", "period_end", published=_published()).drop_nulls()
        inside = dated.filter(pl.col("published").is_between("period_start", "period_end", closed="none")).height
        expected = inside / days * windows.height if days > 0 else 0.0
        if expected >= ENOUGH:  # of a Poisson number with this mean, 0 comes less than once in a thousand times
            return CONTRADICTED, f"No pin was published {day}; the days between lead to expect {expected:.0f}."
    if pairs < ENOUGH:
        return CANNOT_TELL, f"{_times(pairs).capitalize()} a pin was published {day}; {ENOUGH} are needed."
    if there >= NEARLY_ALL * pairs:
        return SUPPORTED, evidence
    if there <= (1 - NEARLY_ALL) * pairs:
        return CONTRADICTED, evidence
    return CANNOT_TELL, f"{evidence} Time stamps and windows may be of different zones."


def _membership(history: LoadedHistory) -> Judgement:
    """Whether pins published before a window are listed when they gain in it, and whether there were any such pins."""
    pins = history.pins
    published, one = _published(), pl.duration(days=1)  # the zone of the time stamps is not known
    is_dated = published.is_not_null() & pl.col("period_start").is_not_null()
    is_inside = published.is_between(pl.col("period_start") - one, pl.col("period_end") + one)
    rows, outside = pins.select(is_dated.sum(), outside=(is_dated & ~is_inside).sum()).row(0)
    if outside:
        evidence = f"{outside:,} of {rows:,} rows are of pins published more than a day outside their window."
        return CONTRADICTED if outside > (1 - NEARLY_ALL) * rows else CANNOT_TELL, evidence
    newest = pins.group_by("social_network_id").agg(
        newest=pl.col("snapshot_date").max(), asked_from=pl.col("period_start").max()
    )
    left_out = (
        latest_pins(history)
        .join(newest, on="social_network_id")
        .filter((published < pl.col("asked_from") - one) & (pl.col("snapshot_date") < pl.col("newest")))
    )
    last_week = pl.col("impressions").tail(8)
    gone = (
        pins.join(left_out, on=["social_network_id", "id"], how="semi")
        .sort("snapshot_date")
        .group_by("social_network_id", "id")
        .agg(rose=last_week.last() > last_week.first())
    )["rose"].sum()
    evidence = (
        f"All {rows:,} rows are of pins published in their window; {gone:,} pins that still gained impressions "
        "in their last week were listed no more once they were too old for it."
    )
    return (SUPPORTED, evidence) if gone >= ENOUGH else (CANNOT_TELL, f"{evidence} {ENOUGH} are needed to tell.")


def _counters(history: LoadedHistory) -> Judgement:
    """Whether counters fall as those of a moving window do, or with the length of the window that was asked for."""
    shorter, fell = _after_shorter_windows(history)
    if shorter >= ENOUGH and fell > 0.5 * shorter:
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
        return CONTRADICTED, f"In {accounts:,} of {of:,} accounts counters roll: {evidence}."
    ruled_out = max(types["rules_out_days"].drop_nulls().to_list(), default=0)
    if ruled_out >= KEPT_DAYS:
        return SUPPORTED, f"{evidence}, and hardly ever in pins more than {ruled_out:,} days old, which still rose."
    so_far = f"a window of {ruled_out:,} days or fewer is ruled out" if ruled_out else "no window is ruled out yet"
    return CANNOT_TELL, (
        f"{evidence}; {so_far}. Only pins older than {KEPT_DAYS} days tell a counter of {KEPT_DAYS} days from one of "
        "their whole life."
    )


def _after_shorter_windows(history: LoadedHistory) -> tuple[int, int]:
    """How often a pin was seen in a window much shorter than at its sight before, and how often it then fell."""
    length = history.pins.select((pl.col("period_end") - pl.col("period_start")).dt.total_days()).to_series()
    if length.n_unique() < 2:
        return 0, 0
    steps = consecutive_observations(history, ["impressions"]).steps["impressions"]
    lengths = steps.select("value", "before", length=length[steps["row"]])
    # where there is a reading before, it is in the row above
    shorter = lengths.filter((pl.col("before") > 0) & (pl.col("length") < 0.8 * pl.col("length").shift(1)))
    return shorter.height, shorter.filter(pl.col("value") < pl.col("before")).height


def _totals(history: LoadedHistory) -> Judgement:
    """Whether the totals beside the pins are their sums, in accounts that have older pins, too."""
    both = totals_that_agree(history)
    agree = both.filter("agrees").height
    if both.height < ENOUGH:
        return CANNOT_TELL, f"{both.height:,} answers of accounts with older pins have both; {ENOUGH} are needed."
    share = both.filter(pl.col("total") > 0).select((pl.col("pins_sum") / pl.col("total")).median()).item()
    middle = "" if share is None else f"; in the middle they come to {100 * share:.0f}% of it"
    evidence = (
        f"In {agree:,} of {both.height:,} answers of accounts with older pins, the impressions of the pins add up to "
        f"the total beside them{middle}."
    )
    if agree >= NEARLY_ALL * both.height:
        return CONTRADICTED, evidence
    return SUPPORTED if agree <= (1 - NEARLY_ALL) * both.height else CANNOT_TELL, evidence


def _cap(history: LoadedHistory) -> Judgement:
    """Whether a list of pins is ever cut, at 50 or 100 or at all."""
    sizes = sums_of_answers(history)
    largest = max(sizes["pins"].to_list(), default=0)
    posts = pins_against_totals(history).filter(pl.col("key") == "posts")
    short = posts.filter(pl.col("pins_sum") < pl.col("total"))
    if short.filter(pl.col("pins") == largest).height:
        return CONTRADICTED, (
            f"{short.height:,} of {posts.height:,} answers have fewer pins than posts were counted, and none has more "
            f"than {largest:,} pins."
        )
    if largest > max(SUSPECT_COUNTS):
        return CANNOT_TELL if short.height else SUPPORTED, (
            f"The largest answer has {largest:,} pins; in {posts.height - short.height:,} of {posts.height:,} answers "
            "there are as many pins as posts were counted, or more."
        )
    full = sizes.filter(pl.col("pins") == largest).height
    exactly = f", exactly, {_times(full)}" if largest in SUSPECT_COUNTS else ""
    return CANNOT_TELL, f"The largest answer has {largest:,} pins{exactly}; none has more than {max(SUSPECT_COUNTS)}."


def _kept(overview: pl.DataFrame) -> Judgement:
    """Whether periods that ended before Pinterest's 90 days have figures, in accounts that have figures since."""
    old = old_periods(overview)
    there = old.filter(pl.col("figures") > 0).height
    presets = old["preset"].drop_nulls().unique().sort().to_list()
    periods = f"periods{f' ({listed(presets)})' if presets else ''}"
    if old.height < ENOUGH:
        return (
            CANNOT_TELL,
            f"{_times(old.height).capitalize()} a period that ended so long before was asked for; {ENOUGH} are needed.",
        )
    evidence = f"{there:,} of {old.height:,} {periods} that ended so long before have figures."
    return CONTRADICTED if there >= NEARLY_ALL * old.height else SUPPORTED, evidence


def _twins(history: LoadedHistory) -> Judgement:
    """Whether pins of one image have the same counters."""
    images = (
        latest_pins(history)
        .filter(pl.col("media_url").is_not_null() & (pl.col("impressions") >= LEAST_IMPRESSIONS))
        .group_by("social_network_id", "media_url")
        .agg(pl.col("id").n_unique())
        .filter(pl.col("id") > 1)
    )
    equal = duplicate_image_groups(history).height
    evidence = (
        f"{images.height:,} images are of several pins with at least {LEAST_IMPRESSIONS} impressions each; {equal:,} "
        "groups of such pins have equal counters at every snapshot."
    )
    if images.height < ENOUGH:
        return CANNOT_TELL, f"{evidence} {ENOUGH} images are needed."
    if equal == 0:
        return CONTRADICTED, evidence
    return SUPPORTED if equal >= 0.5 * images.height else CANNOT_TELL, evidence


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _published() -> pl.Expr:
    return pl.col("timestamp").cast(pl.Datetime("us")).dt.date()
