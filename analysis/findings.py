"""Checks of the data: each looks for one thing that people should know before they trust a figure."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from analysis.kinds import kinds_of
from analysis.readings import METRICS, Readings, counter_readings, is_in_order, pins_as_last_seen
from analysis.relations import RELATIONS, STREAMS
from analysis.remembered import remembered, remembering
from analysis.texts import written_day

SEVERITIES = ("error", "warning", "info")
ACCOUNTS_NAMED = 3  # more are counted
KEPT_DAYS = 90  # Pinterest keeps so many
STALE_AFTER = timedelta(hours=36)  # a daily sync that failed once, and half a day to notice
SUSPECT_COUNTS = (50, 100)  # pagination of the posts is not documented; a cap would be such a number
LEAST_IMPRESSIONS = 20  # two pins have the same few by chance
AGREES_WITHIN = 0.01  # a sync takes a moment, in which counters move
Finding = dict[str, Any]

_OWN_PAGE = r"^https?://([a-z]+\.)*pinterest\.[a-z.]+/pin/"
_WINDOW = ["social_network_id", "period_start", "period_end"]


class Facts(NamedTuple):
    """What the checks look at: frames as the `load_*` functions return them, the present time in UTC, and the columns
    of each relation as the file holds them (none: not looked up)."""

    pins: pl.DataFrame
    followers: pl.DataFrame
    accounts: pl.DataFrame
    runs: pl.DataFrame
    last_sync: datetime | None
    now: datetime
    overview: pl.DataFrame
    totals: pl.DataFrame
    columns: dict[str, list[str]]

    def of(self, account: str, pins: pl.DataFrame) -> "Facts":
        """Those of one account, whose pins are these."""
        is_mine = pl.col("social_network_id") == account
        names = ("followers", "accounts", "overview", "totals")
        return self._replace(pins=pins, **{name: getattr(self, name).filter(is_mine) for name in names})


Check = Callable[[Facts], Iterator[Finding]]


def findings(facts: Facts, checks: Sequence[Check] | None = None) -> list[Finding]:
    """Everything found, by all checks unless some are named, errors first. Each is a dict of

    - check: name of the check
    - severity: `error` (figures are wrong or missing), `warning` (some may be), `info`
    - where: a social_network_id, or `all`
    - since: ISO date since when, or None
    - what, what_to_do: one sentence each
    """
    with remembering():
        found = [finding for check in checks or CHECKS for finding in check(facts)]
    return gravest_first(found)


def gravest_first(found: Iterable[Finding]) -> list[Finding]:
    """The findings in the order of `findings`."""
    return sorted(found, key=lambda finding: SEVERITIES.index(finding["severity"]))


def findings_frame(found: Sequence[Finding]) -> pl.DataFrame:
    """The result of `findings` as a frame, in its order, with the same columns; `since` is a date.

    >>> findings_frame([]).columns
    ['check', 'severity', 'where', 'since', 'what', 'what_to_do']
    """
    schema = dict.fromkeys(("check", "severity", "where", "since", "what", "what_to_do"), pl.String)
    frame = pl.DataFrame([{name: finding[name] for name in schema} for finding in found], schema=schema)
    return frame.with_columns(pl.col("since").str.to_date())


def grouped(found: Sequence[Finding]) -> list[Finding]:
    """The findings, with those that concern more than three accounts alike told once.

    Alike are findings of one check and severity. Instead of them there is one with `where` as `all`, the earliest
    `since`, and a `what` that counts the accounts and quotes the first.

    >>> one = {"check": "gap", "severity": "warning", "since": None, "what": "2 of 9 days.", "what_to_do": "Sync."}
    >>> [item["what"] for item in grouped([{**one, "where": f"pin_{number}"} for number in range(300)])]
    ['In 300 accounts (pin_0, pin_1, pin_2 and others). In pin_0: 2 of 9 days.']
    """
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding["check"], finding["severity"]), []).append(finding)
    told = []
    for group in alike.values():
        accounts = list(dict.fromkeys(finding["where"] for finding in group if finding["where"] != "all"))
        if len(accounts) <= ACCOUNTS_NAMED:
            told += group
            continue
        first = next(finding for finding in group if finding["where"] == accounts[0])
        told.append({
            **first,
            "where": "all",
            "since": min((finding["since"] for finding in group if finding["since"]), default=None),
            "what": f"In {len(accounts):,} accounts ({', '.join(accounts[:ACCOUNTS_NAMED])} and others). "
                    f"In {accounts[0]}: {first['what']}",
        })  # fmt: skip
        told += [finding for finding in group if finding["where"] == "all"]
    return told


def stale_data(facts: Facts) -> Iterator[Finding]:
    """The last sync is older than 36 hours."""
    if facts.last_sync is not None and facts.now - facts.last_sync > STALE_AFTER:
        hours = (facts.now - facts.last_sync).total_seconds() / 3600
        age = f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:,.0f} days"
        yield _finding(
            "stale_data", "warning", "all", facts.last_sync.date(),
            f"The last sync was {age} ago.",
            "Sync now, and see why no sync ran since: the daily detail of days without a sync is lost.",
        )  # fmt: skip


def snapshot_coverage(pins: pl.DataFrame, followers: pl.DataFrame) -> pl.DataFrame:
    """Every day from an account's first snapshot to its last, and what was seen on it.

    Columns, sorted by the first two: social_network_id, day; is_synced (there is a snapshot of pins or followers); pins
    (how many the snapshot has: 0 is a sync without pins, null a day without a sync).

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "snapshot_date": [date(2026, 3, 1), date(2026, 3, 3)]})
    >>> snapshot_coverage(pins, pins.clear()).select("day", "is_synced", "pins").rows()[1:]
    [(datetime.date(2026, 3, 2), False, None), (datetime.date(2026, 3, 3), True, 1)]
    """
    place = (pl.col("social_network_id"), pl.col("snapshot_date").alias("day"))
    seen = pl.concat(
        [
            pins.lazy().group_by(*place).agg(pins=pl.len().cast(pl.Int64)).collect(),
            followers.select(*place, pins=pl.lit(0, pl.Int64)),
        ]
    )
    seen = seen.drop_nulls("day").group_by("social_network_id", "day").agg(pl.col("pins").max())
    days = seen.group_by("social_network_id").agg(day=pl.date_ranges(pl.col("day").min(), pl.col("day").max()).first())
    return (
        days.explode("day")
        .join(seen, on=["social_network_id", "day"], how="left")
        .select("social_network_id", "day", pl.col("pins").is_not_null().alias("is_synced"), "pins")
        .sort("social_network_id", "day")
    )


def days_without_snapshot(facts: Facts) -> Iterator[Finding]:
    """Days between an account's first and last snapshot on which nobody synced."""
    gaps = (
        snapshot_coverage(facts.pins, facts.followers)
        .group_by("social_network_id")
        .agg(span=pl.len(), missing=pl.col("day").filter(~pl.col("is_synced")))
        .filter(pl.col("missing").list.len() > 0)
        .sort("social_network_id")
    )
    for account, span, missing in gaps.iter_rows():
        yield _finding(
            "days_without_snapshot", "warning", account, missing[0],
            f"{len(missing)} of {span} days have no snapshot, the last of them {missing[-1]}.",
            "Sync once a day. The gains over such a gap are spread evenly over its days, and marked.",
        )  # fmt: skip


def lost_connections(facts: Facts) -> Iterator[Finding]:
    """OneUp flags the connection to Pinterest; the API then answers with plausible zeros."""
    flagged = facts.accounts.filter(
        pl.col("is_expired").fill_null(value=False) | pl.col("need_refresh").fill_null(value=False)
    )
    for account, at in flagged.select("social_network_id", "_airbyte_extracted_at").iter_rows():
        yield _finding(
            "lost_connection", "error", account, at and at.date(),
            "OneUp says that its connection to this Pinterest account is expired or needs a refresh; "
            "figures may be zeros that mean nothing.",
            "Connect the account to Pinterest again in OneUp.",
        )  # fmt: skip


def counters_that_fall(facts: Facts) -> Iterator[Finding]:
    """Counters of a window, and snapshots or pins at which counters began anew or were restated."""
    readings = counter_readings(facts.pins, METRICS)
    kinds = kinds_of(readings)
    is_rolling = pl.col("kind") == "rolling"
    is_event = ~is_rolling & (pl.sum_horizontal("resets", "restatements", "pins_reset") > 0)
    falls_of_all = _falls(readings)
    for (account,), group in kinds.filter(is_rolling | is_event).group_by("social_network_id", maintain_order=True):
        rolling = group.filter(is_rolling)["metric"].to_list()
        events = group.filter(~is_rolling)
        if rolling:
            fell, rose = group.filter(is_rolling).select(pl.col("falls", "rises").sum()).row(0)
            yield _finding(
                "rolling_counters", "warning", account, None,
                f"The counters of {_listed(rolling)} are rolling: {fell:,} of {fell + rose:,} times that they moved, "
                "they fell, so they count a window of days that moves on, not a pin's whole life.",
                "Do not read their differences as gains; the report leaves them out.",
            )  # fmt: skip
        if events.is_empty():
            continue
        falls = falls_of_all.filter(pl.col("social_network_id") == account)
        reset = events.filter(pl.col("resets") > 0)["metric"].to_list()
        if reset:
            yield _finding(
                "counters_reset", "warning", account,
                falls.filter(pl.col("metric").is_in(reset) & (pl.col("resets") > 0))["snapshot_date"].min(),
                f"The counters of {_listed(reset)} of most pins fell at one sync to a part of what they were: a reset.",
                "The gain of that day is unknown; it is left out, not guessed. What came after counts anew.",
            )  # fmt: skip
        restated = events.filter(pl.col("restatements") > 0)
        if restated.height:
            days = falls.filter(pl.col("metric").is_in(restated["metric"].implode()) & pl.col("is_many"))
            is_most = (restated["kind"] == "restated").any()
            count = days["snapshot_date"].n_unique()
            yield _finding(
                "counters_restated", "warning" if is_most else "info", account, days["snapshot_date"].min(),
                f"The counters of {_listed(restated['metric'].to_list())} of {'most' if is_most else 'many'} pins fell "
                f"at {'one sync' if count == 1 else f'{count} syncs'}, but not to near 0: they were restated.",
                "Nothing to do: no gain is booked for such a pin until its counter is above what it had been."
                + (" Growth curves leave these metrics out." if is_most else ""),
            )  # fmt: skip
        alone = events.filter(pl.col("pins_reset") > 0)
        if most := max(alone["pins_reset"].to_list(), default=0):
            yield _finding(
                "pins_reset", "info", account,
                falls.filter(pl.col("metric").is_in(alone["metric"].implode()) & (pl.col("resets") > 0))
                ["snapshot_date"].min(),
                f"Counters of {_counted(most, 'pin')} began anew.",
                "The gains of those days are unknown and left out; growth curves end there.",
            )  # fmt: skip


def _falls(readings: Readings) -> pl.DataFrame:
    """social_network_id, metric, snapshot_date, resets (counters that began anew), is_many (three or more fell, and
    10%), of snapshots at which there was either."""
    falls = pl.col("fall").is_not_null().sum()
    events = [
        steps.lazy()
        .group_by("account", "snapshot_date")
        .agg(
            resets=(pl.col("fall") == "reset").sum(),
            is_many=(falls >= 3) & (falls >= 0.1 * (pl.col("before") > 0).sum()),
        )
        .filter((pl.col("resets") > 0) | pl.col("is_many"))
        .with_columns(metric=pl.lit(metric))
        .collect()
        for metric, steps in readings.steps.items()
    ]
    return pl.concat(events).join(readings.accounts, on="account")


def zeros_that_mean_nothing(facts: Facts) -> Iterator[Finding]:
    """All counters, totals or followers of an account are 0 after they were more: as a lost connection answers."""
    totals = facts.overview.filter(pl.col("key") != "posts")
    told = pl.concat(
        [
            # one pin may well have nothing
            _days_of_zeros(facts.pins, pl.sum_horizontal(METRICS), "snapshot_date", "every counter of every pin", 3),
            _days_of_zeros(totals, pl.col("value_current_period"), "period_end", "every total of the account"),
            _days_of_zeros(facts.followers, pl.col("total_followers"), "snapshot_date", "the number of followers"),
        ]
    )
    for (account,), group in told.sort("social_network_id", maintain_order=True).group_by(
        "social_network_id", maintain_order=True
    ):
        whats = group["what"].unique(maintain_order=True).to_list()
        days = group["day"].unique().sort()
        yield _finding(
            "all_zero", "error", account, days[0],
            f"On {_counted(days.len(), 'day')}, the last of them {written_day(days[-1])}, {_listed(whats)} was 0 after "
            "there had been more: so does a lost connection answer.",
            "Look whether OneUp is still connected to the account. Such snapshots of pins are left out of the gains.",
        )  # fmt: skip


def _days_of_zeros(frame: pl.DataFrame, figure: pl.Expr, day: str, what: str, least: int = 1) -> pl.DataFrame:
    """social_network_id, day, what: days on which the sum of all that is known is 0, after there was more.

    Days with fewer than `least` rows say nothing.
    """
    return (
        frame.lazy()
        .group_by("social_network_id", pl.col(day).alias("day"))
        .agg(figures=figure.sum().cast(pl.Float64), known=figure.count(), rows=pl.len())
        .filter((pl.col("known") > 0) & (pl.col("rows") >= least))
        .sort("social_network_id", "day")
        .filter((pl.col("figures") == 0) & (pl.col("figures").cum_max().over("social_network_id") > 0))
        .select("social_network_id", "day", what=pl.lit(what))
        .collect()
    )


def twins(pins: pl.DataFrame) -> pl.DataFrame:
    """Pins of one image that Pinterest may count together: their counters are equal whenever several are seen.

    Columns, sorted by the first two: social_network_id, twin_of (the first id of each group); pins (how many);
    snapshots (at which they were compared); impressions (of each of them).

    Only pins that an account's newest snapshot has. A link is compared too, where it leads anywhere but to the pin
    itself. Fewer than 20 impressions are equal by chance.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3"], "snapshot_date": date(2026, 3, 1),
    ...     "timestamp": date(2026, 2, 1), "media_url": ["a.jpg", "a.jpg", "b.jpg"], "permalink": None,
    ...     "impressions": 50, "saves": 2, "comments": 0, "repins": 1, "clicks": 3},
    ...     schema_overrides={"permalink": pl.String})
    >>> twins(pins).rows()
    [('pin_a', '1', 2, 1, 50)]
    """
    place = ["social_network_id", "media_url", "link"]
    newest = pl.col("snapshot_date") == pl.col("snapshot_date").max().over("social_network_id")
    has_image = pl.col("media_url").is_not_null() & (pl.col("media_url") != "")
    of_image = pl.len().over("social_network_id", "media_url")
    candidates = pins_as_last_seen(pins).filter(newest).filter(has_image).filter(of_image > 1)
    link = pl.when(~pl.col("permalink").str.contains(_OWN_PAGE).fill_null(value=True)).then("permalink").fill_null("")
    candidates = candidates.with_columns(link=link)
    columns = ["social_network_id", "id", "snapshot_date", *METRICS]
    seen = pins.select(columns).join(candidates.select("id", *place), on=["social_network_id", "id"])
    counters = pl.struct(METRICS)
    groups = (  # as the account's newest snapshot has them
        candidates.filter(pl.col("impressions") >= LEAST_IMPRESSIONS)
        .group_by(*place, *METRICS)
        .agg(pl.col("id"), twin_of=pl.col("id").min(), pins=pl.len().cast(pl.Int64))
        .filter(pl.col("pins") > 1)
    )
    compared = (
        seen.join(groups.select(*place, "twin_of", "id").explode("id"), on=[*place, "id"])
        .group_by("social_network_id", "twin_of", "snapshot_date")
        .agg(seen=pl.len(), differ=counters.n_unique() > 1)
        .filter(pl.col("seen") > 1)
        .group_by("social_network_id", "twin_of")
        .agg(snapshots=pl.len().cast(pl.Int64), differ=pl.col("differ").any())
        .filter(~pl.col("differ"))
    )
    return (
        groups.join(compared, on=["social_network_id", "twin_of"])
        .select("social_network_id", "twin_of", "pins", "snapshots", "impressions")
        .sort("social_network_id", "twin_of")
    )


def twin_pins(facts: Facts) -> Iterator[Finding]:
    """Pins of the same image whose counters are always equal: sums over pins count them twice."""
    of_all = pins_as_last_seen(facts.pins).group_by("social_network_id").agg(all=pl.col("impressions").sum())
    found = (
        twins(facts.pins)
        .group_by("social_network_id")
        .agg(
            groups=pl.len(),
            pins=pl.col("pins").sum(),
            twice=((pl.col("pins") - 1) * pl.col("impressions")).sum(),
            snapshots=pl.col("snapshots").max(),
        )
        .join(of_all, on="social_network_id")
        .sort("social_network_id")
    )
    for row in found.iter_rows(named=True):
        share = row["twice"] / max(row["all"], 1)
        yield _finding(
            "twin_pins", "warning" if share > AGREES_WITHIN else "info", row["social_network_id"], None,
            f"{row['pins']} pins share {_counted(row['groups'], 'image')} and had equal "
            f"counters at up to {row['snapshots']} snapshots: Pinterest counts them together, so sums over pins count "
            f"them twice ({share:.1%} of the impressions).",
            "Read sums over pins of this account as too high by that much; rates and rankings are not affected.",
        )  # fmt: skip


def pins_against_totals(pins: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """The totals that the API sends beside the pins of a window, and the sums over these pins.

    One row a window and key that both are known of, sorted by the first four columns: social_network_id, period_start,
    period_end, key (of METRICS, or `posts`); total; pins_sum (counters added up, or pins counted); pins (how many).

    >>> from datetime import date
    >>> window = {"social_network_id": "pin_a", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7)}
    >>> pins = pl.DataFrame({**window, "snapshot_date": date(2026, 3, 8), "id": ["1", "2"], "saves": [3, 4]})
    >>> totals = pl.DataFrame({**window, "key": ["posts", "saves"], "value_current_period": [2.0, 9.0]})
    >>> pins_against_totals(pins, totals).select("key", "total", "pins_sum").rows()
    [('posts', 2.0, 2.0), ('saves', 9.0, 7.0)]
    """
    metrics = [metric for metric in METRICS if metric in pins.columns]
    newest = pl.col("snapshot_date") == pl.col("snapshot_date").max().over(_WINDOW)  # a window may be asked for again
    sums = (
        sums_of_answers(pins)
        .filter(newest)
        .with_columns(pl.col("pins").cast(pl.Float64).alias("posts"), pl.col(metrics).cast(pl.Float64))
        .unpivot(["posts", *metrics], index=[*_WINDOW, "pins"], variable_name="key", value_name="pins_sum")
    )
    return (
        totals.select(*_WINDOW, "key", total=pl.col("value_current_period").cast(pl.Float64))
        .drop_nulls()
        .join(sums, on=[*_WINDOW, "key"])
        .select(*_WINDOW, "key", "total", "pins_sum", "pins")
        .sort(*_WINDOW, "key")
    )


@remembered
def sums_of_answers(pins: pl.DataFrame) -> pl.DataFrame:
    """One row an answer: social_network_id, period_start, period_end, snapshot_date; pins (how many it had), and the
    sum of each of METRICS over them."""
    metrics = [metric for metric in METRICS if metric in pins.columns]
    counted = pl.len().cast(pl.Int64).alias("pins")
    return pins.lazy().group_by(*_WINDOW, "snapshot_date").agg(counted, pl.col(metrics).sum()).collect()


def missing_pins(facts: Facts) -> Iterator[Finding]:
    """Numbers of pins in an answer that are not the number of posts beside them."""
    both = pins_against_totals(facts.pins, facts.totals)
    posts = both.filter((pl.col("key") == "posts") & (pl.col("total") != pl.col("pins_sum")))
    for (account,), group in posts.group_by("social_network_id", maintain_order=True):
        last = group.row(-1, named=True)
        yield _finding(
            "missing_pins", "warning", account, group["period_end"].min(),
            f"In {_counted(group.height, 'answer')} the number of pins is not the number of "
            f"posts that came with them: {last['pins']:,} pins and {last['total']:,.0f} posts in the last of them.",
            "Compare with OneUp's own page: the list may be cut, or hold pins that were published at another time.",
        )  # fmt: skip


def sums_differ(facts: Facts) -> Iterator[Finding]:
    """Sums over the pins of an answer that are not the totals beside them."""
    both = pins_against_totals(facts.pins, facts.totals)
    newest = pl.col("period_end") == pl.col("period_end").max().over("social_network_id")
    sums = both.filter(newest & (pl.col("key") != "posts") & (pl.max_horizontal("total", "pins_sum") > 0))
    sums = sums.with_columns(
        differs=(pl.col("total") - pl.col("pins_sum")).abs()
        > (AGREES_WITHIN * pl.max_horizontal("total", "pins_sum")).clip(1)
    )
    differing = sums.filter("differs")
    if differing.is_empty():
        return
    ratio = differing.filter((pl.col("key") == "impressions") & (pl.col("total") > 0))
    text = ""
    if ratio.height:
        median = ratio.select((pl.col("pins_sum") / pl.col("total")).median()).item()
        text = f" Over pins, impressions come to {100 * median:.0f}% of the total (median)."
    accounts = differing["social_network_id"].n_unique()
    yield _finding(
        "sums_differ", "info", "all", None,
        f"In {accounts} of {sums['social_network_id'].n_unique()} accounts, sums over the pins of an answer are not "
        f"the totals that came with it.{text}",
        "Use OneUp's totals for the account, and pins to compare pins; do not expect the two to agree.",
    )  # fmt: skip


def posts_differ(facts: Facts) -> Iterator[Finding]:
    """The newest number of posts of each account against the pins seen that were published in that period."""
    windows = facts.pins.group_by("social_network_id").agg(
        pl.col("period_start").min().alias("asked_from"), pl.col("period_end").max().alias("asked_to")
    )
    periods = (
        facts.overview.filter((pl.col("key") == "posts") & pl.col("value_current_period").is_not_null())
        .sort("period_end", "period_start")
        .unique("social_network_id", keep="last", maintain_order=True)
        .join(windows, on="social_network_id")
        .filter((pl.col("period_start") > pl.col("asked_from")) & (pl.col("period_end") <= pl.col("asked_to")))
        .select("social_network_id", "period_start", "period_end", posts="value_current_period")
    )
    day, one = pl.col("timestamp").dt.date(), pl.duration(days=1)  # the zone of the time stamps is not known
    counted = (
        pins_as_last_seen(facts.pins)
        .select("social_network_id", "id", pl.col("timestamp").cast(pl.Datetime("us")))
        .join(periods, on="social_network_id")
        .group_by("social_network_id")
        .agg(
            pl.col("posts", "period_start", "period_end").first(),
            surely=day.is_between(pl.col("period_start") + one, pl.col("period_end") - one).sum(),
            perhaps=day.is_between(pl.col("period_start") - one, pl.col("period_end") + one).sum(),
        )
        .filter(~pl.col("posts").is_between("surely", "perhaps"))
        .sort("social_network_id")
    )
    for row in counted.iter_rows(named=True):
        yield _finding(
            "posts_differ", "warning", row["social_network_id"], row["period_start"],
            f"OneUp counts {row['posts']:,.0f} posts from {written_day(row['period_start'])} to "
            f"{written_day(row['period_end'])}, but between {row['surely']:,} and {row['perhaps']:,} pins published "
            "then were seen.",
            "Some pins may be missing from the answers, or have been deleted; compare with OneUp's own page.",
        )  # fmt: skip


def periods_too_old(facts: Facts) -> Iterator[Finding]:
    """Figures of 0 from before what Pinterest keeps, where there are figures from then on."""
    synced = pl.coalesce(pl.col("_airbyte_extracted_at").dt.date(), pl.col("period_end") + pl.duration(days=1))
    kept_from = synced - pl.duration(days=KEPT_DAYS)
    periods = (
        facts.overview.group_by("social_network_id", "preset", "period_start", "period_end")
        .agg(
            now=pl.col("value_current_period").sum(),
            before=pl.col("value_last_period").sum(),
            kept_from=kept_from.first(),
        )
        .sort("social_network_id", "preset", "period_end")
    )
    length = pl.col("period_end") - pl.col("period_start") + pl.duration(days=1)
    is_old = pl.col("period_end") < pl.col("kept_from")
    is_old_before = (pl.col("period_start") - length < pl.col("kept_from")) & ~is_old
    first_kept = pl.col("now").filter(~is_old).first().over("social_network_id", "preset")
    found = periods.with_columns(
        is_empty=is_old & (pl.col("now") == 0) & (first_kept > 0),
        is_empty_before=is_old_before & (pl.col("before") == 0) & (pl.col("now") > 0),
    ).filter(pl.col("is_empty") | pl.col("is_empty_before"))
    for (account,), group in found.group_by("social_network_id", maintain_order=True):
        empty, before = (group.filter(column).height for column in ("is_empty", "is_empty_before"))
        what = [f"{_counted(empty, 'period')} as a whole"] * (empty > 0)
        what += [f"the period before, of {_counted(before, 'period')}"] * (before > 0)
        yield _finding(
            "older_than_kept", "info", account, group["period_end"].min(),
            f"Totals are 0 from more than {KEPT_DAYS} days before the sync ({_listed(what)}): Pinterest keeps "
            f"{KEPT_DAYS} days, so these zeros mean nothing.",
            "Do not read them as a quiet time, nor the change against them as growth.",
        )  # fmt: skip


def schema_drift(facts: Facts) -> Iterator[Finding]:
    """Columns that OneUp added, and columns of the contract that the file lacks."""
    for stream in STREAMS:
        stored = facts.columns.get(stream)
        if stored is None:
            continue
        expected = RELATIONS[stream].columns
        added = sorted(name for name in stored if name not in expected and not name.startswith("_airbyte_"))
        missing = [name for name in expected if name not in stored]
        if added:
            yield _finding(
                "new_columns", "info", "all", None,
                f"{stream} has columns that this kit does not know: {_listed(added)}.",
                "Nothing to do: they are kept in the file. Nothing here reads them.",
            )  # fmt: skip
        if missing:
            yield _finding(
                "missing_columns", "warning", "all", None,
                f"{stream} lacks {_listed(missing)}; here they are unknown in every row.",
                "See whether the stream was synced with a selection of fields, or by an older connector.",
            )  # fmt: skip


def duplicate_keys(facts: Facts) -> Iterator[Finding]:
    """Rows that share a key: every count over them is too high."""
    for stream, frame in (
        ("pins", facts.pins),
        ("account_followers", facts.followers),
        ("overview_metrics", facts.overview),
        ("pin_totals", facts.totals),
        ("accounts", facts.accounts),
    ):
        twice = rows_of_one_key(frame, RELATIONS[stream].key)
        if twice > 0:
            yield _finding(
                "duplicate_keys", "error", "all", None,
                f"{twice:,} rows of {stream} have the key of another row ({_listed(list(RELATIONS[stream].key))}).",
                "Something else wrote into the file: sync into a new one, or remove the rows that are there twice.",
            )  # fmt: skip


def rows_of_one_key(frame: pl.DataFrame, key: Sequence[str]) -> int:
    """How many rows are too many.

    >>> rows_of_one_key(pl.DataFrame({"id": ["1", "2", "1"]}), ["id"])
    1
    """
    ordered = frame.select(key)
    above = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in key)
    if not is_in_order(ordered):
        ordered = ordered.sort(key)
    return int(ordered.select(above.slice(1).sum()).item())


def pins_without_date(facts: Facts) -> Iterator[Finding]:
    """Pins whose time of publication is not known: they have no age."""
    undated = pl.col("timestamp").is_null().sum()
    counted = pins_as_last_seen(facts.pins).group_by("social_network_id").agg(undated=undated, pins=pl.len())
    for account, undated, number in counted.filter(pl.col("undated") > 0).sort("social_network_id").iter_rows():
        yield _finding(
            "pins_without_date", "warning" if undated > number / 10 else "info", account, None,
            f"{undated:,} of {number:,} pins have no time of publication.",
            "They are left out of growth curves, timing and whatever else compares pins at one age.",
        )  # fmt: skip


def possible_cap(facts: Facts) -> Iterator[Finding]:
    """Exactly 50 or 100 pins in one answer."""
    windows = (
        sums_of_answers(facts.pins)
        .filter(pl.col("pins").is_in(SUSPECT_COUNTS))
        .group_by("social_network_id", "pins")
        .agg(since=pl.col("snapshot_date").min(), days=pl.col("snapshot_date").n_unique())
        .sort("social_network_id", "pins")
    )
    for account, pins, since, days in windows.select("social_network_id", "pins", "since", "days").iter_rows():
        yield _finding(
            "possible_cap", "warning" if days > 2 else "info", account, since,
            f"Exactly {pins} pins came for one window on {days} {'day' if days == 1 else 'days'}: "
            "the API may have cut the list.",
            "Compare with the number of posts in the account's totals, and with OneUp's own page.",
        )  # fmt: skip


def unfinished_runs(facts: Facts) -> Iterator[Finding]:
    """What the last run skipped or broke on, and whether an earlier one was cut off."""
    runs = facts.runs.tail(5)
    for run in runs.iter_rows(named=True):
        # the file could be opened, so no sync is running: one that says so was killed
        if run["status"] in ("running", "interrupted"):
            yield _finding(
                "interrupted_run", "info", "all", run["started_at"].date(),
                f"The sync started at {run['started_at']:%Y-%m-%d %H:%M} UTC was interrupted; what it wrote is whole.",
                "Nothing, if a later sync is done: it went on where this one stopped.",
            )  # fmt: skip
    if runs.is_empty():
        return
    last = runs.row(-1, named=True)
    if last["status"] == "failed":
        yield _finding(
            "failed_run", "error", "all", last["started_at"].date(),
            f"The last sync failed: {last['error'] or 'no reason was recorded'}",
            "Mend what the message names, then sync again.",
        )  # fmt: skip
    for skipped in _list(last["skipped_accounts"]):
        yield _finding(
            "skipped_account", "error", str(skipped.get("social_network_id", "unknown")), last["started_at"].date(),
            f"The last sync could not read this account: {skipped.get('reason', 'no reason was recorded')}",
            "Mend what the message names, then sync again: the account catches up.",
        )  # fmt: skip


OF_THE_FILE: tuple[Check, ...] = (stale_data, unfinished_runs, duplicate_keys, sums_differ, schema_drift)
OF_AN_ACCOUNT: tuple[Check, ...] = (  # each looks at one account at a time
    lost_connections,
    days_without_snapshot,
    zeros_that_mean_nothing,
    counters_that_fall,
    possible_cap,
    missing_pins,
    posts_differ,
    twin_pins,
    periods_too_old,
    pins_without_date,
)
CHECKS = (*OF_THE_FILE, *OF_AN_ACCOUNT)


def _finding(check: str, severity: str, where: str, since: Any, what: str, what_to_do: str) -> Finding:
    return {
        "check": check, "severity": severity, "where": where, "since": since.isoformat() if since else None,
        "what": what, "what_to_do": what_to_do,
    }  # fmt: skip


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _list(text: str | None) -> list[dict[str, Any]]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
