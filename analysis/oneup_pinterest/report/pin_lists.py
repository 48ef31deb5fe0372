"""List pins for the page: those behind a change, the top pins, and those to act on."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from oneup_pinterest.formatting import format_day, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.gains import PROVISIONAL_DAYS
from oneup_pinterest.history.pin_rates import pin_rates
from oneup_pinterest.questions.actions.answer import suggestions
from oneup_pinterest.questions.chart_style import PER, percent_text, signed_count
from oneup_pinterest.questions.oneup_lists.answer import NOTE, list_name, period_text
from oneup_pinterest.questions.oneup_lists.statistic import oneup_lists
from oneup_pinterest.questions.rates.statistic import ranked_pins
from oneup_pinterest.questions.summary.statistic import comparison_days
from oneup_pinterest.questions.top_pins.answer import basis_text
from oneup_pinterest.questions.top_pins.statistic import top_pins
from oneup_pinterest.questions.why.parts import few_pins
from oneup_pinterest.questions.why.statistic import gain_split, largest_parts
from oneup_pinterest.report.drawing import waterfall

EXPLAINED = ("impressions", "saves", "repins", "clicks")  # metrics with a tab of their own
CHOSEN = "saves"  # the tab that is open at first
CARDS = 6  # pins per tab
LISTED = 3  # pins behind a change that is spread over many
TWO_WEEKS = 14


class PinDetails:
    """What is shown of each pin of an account beside its figure."""

    def __init__(self, history: AccountHistory) -> None:
        latest = history.latest_pins
        names = [name for name in ("id", "text", "permalink", "timestamp", "format") if name in latest.columns]
        self._pins = {row["id"]: row for row in latest.select(names).iter_rows(named=True)}
        self._account = history.social_network_id
        last = history.pins["snapshot_date"].max() if history.pins.height else None
        self._last = last if isinstance(last, date) else None

    def of(
        self, pin: str, figure: str, share: str = "", evidence: str = "", unseen: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what is shown of a pin; `unseen` has the text and link of a pin that may never have been synced."""
        known = self._pins.get(pin) or unseen or {}
        moment = known.get("timestamp")
        published = moment.date() if isinstance(moment, datetime) else moment
        parts = [format_day(published) if published else None, truncate(known.get("format"), 20) or None]
        return {
            "id": pin,
            "account": self._account,
            "title": truncate(known.get("text"), 80) or f"Pin {truncate(pin, 40) or 'without a text'}",
            "link": known.get("permalink"),
            "about": " · ".join(filter(None, parts)),
            "age": (self._last - published).days if published and self._last else None,
            "figure": figure,
            "share": share,
            "evidence": evidence,
        }


def change_tabs(history: AccountHistory, details: PinDetails) -> Iterator[dict[str, Any]]:
    """Yield per metric the parts of its change, which add up to it, and the pins that made most of it."""
    days = comparison_days(history)
    metrics = tuple(metric for metric in EXPLAINED if metric in history.metrics)
    if not days or not metrics:
        return
    for row in gain_split(history, days, metrics).iter_rows(named=True):
        if row["reason"] is not None:
            yield {"metric": row["metric"], "reason": row["reason"]}
            continue
        parts = largest_parts(history, row["metric"], days)
        few = few_pins(parts, row["before"], row["now"])
        whole = round(row["now"]) - round(row["before"])
        same = parts.filter(pl.col("difference") * whole > 0)
        shown = few.pins if few else same.head(LISTED)
        yield {
            "metric": row["metric"],
            "reason": None,
            "bars": waterfall(row),
            "title": _few_title(few.pins.height, few.share, few.without, whole) if few else _spread_title(whole),
            "pins": [
                details.of(
                    pin["id"],
                    figure=signed_count(pin["difference"]),
                    share=f"{pin['share']:.0f}%" if few and 0 < few.share <= 100 else "",
                )
                for pin in shown.iter_rows(named=True)
            ],
        }


def _few_title(count: int, share: float, without: float | None, whole: int) -> str:
    who = "One pin" if count == 1 else f"{count} pins"
    what = "rise" if whole > 0 else "fall"
    part = f"{share:.0f}% of the {what}" if share <= 100 else f"more than the whole {what}"
    rest = "" if without is None else f"; without {'it' if count == 1 else 'them'} {percent_text(without)}"
    return f"{who} made {part}{rest}"


def _spread_title(whole: int) -> str:
    if not whole:
        return "No change to explain"
    return f"The {'rise' if whole > 0 else 'fall'} is spread over many pins"


def not_comparable(history: AccountHistory) -> str:
    """Return since when gains are known, and when two weeks can be compared."""
    settled = history.account_gains.filter(~pl.col("is_provisional")) if history.pins.height else pl.DataFrame()
    if settled.is_empty():
        last = history.pins["snapshot_date"].max() if history.pins.height else None
        if not isinstance(last, date):
            return "no pin has been synced."
        day = last + timedelta(days=TWO_WEEKS + PROVISIONAL_DAYS)
        return (
            f"what a pin gains is the difference between two syncs. With a sync every day, the first two weeks can be "
            f"compared on {format_day(day)}."
        )
    days = settled["day"].n_unique()
    newest = history.pins["snapshot_date"].max()
    soon = ""
    if isinstance(newest, date) and days < TWO_WEEKS:
        soon = f" With a sync every day that is on {format_day(newest + timedelta(days=TWO_WEEKS - days))}."
    return f"two weeks of settled days are needed to compare them, and {days} are known.{soon}"


def top_tabs(history: AccountHistory, details: PinDetails) -> Iterator[dict[str, Any]]:
    """Yield the tabs of top pins: by what they brought, by rate, the weakest by rate, and OneUp's own lists.

    A tab has its `pins` in one list, or in several `lists` with a title each.
    """
    yield from _by_what_they_brought(history, details)
    yield from _by_rate(history, details)
    yield from _by_oneup(history, details)


def _by_what_they_brought(history: AccountHistory, details: PinDetails) -> Iterator[dict[str, Any]]:
    for metric in EXPLAINED:
        top = top_pins(history, metric)
        if top.pins.height:
            yield {
                "key": metric,
                "label": metric.capitalize(),
                "caption": f"{metric.capitalize()} {'gained ' if top.start else ''}{basis_text(top)}.",
                "pins": [
                    details.of(
                        row["id"], figure=f"{row['value']:,.0f} {metric}", share=f"{row['share']:.1f}% of the account"
                    )
                    for row in top.pins.head(CARDS).iter_rows(named=True)
                ],
                "lists": [],
            }


def _by_rate(history: AccountHistory, details: PinDetails) -> Iterator[dict[str, Any]]:
    rates = pin_rates(history, CHOSEN).drop_nulls("rate")
    if rates.height < CARDS:
        return
    ranked = ranked_pins(history, CHOSEN)
    sides = (("best", "Save rate", False), ("worst", "Weakest", True))
    for key, label, is_worst in sides:
        shown = ranked.sort("rank", descending=is_worst).head(CARDS)
        yield {
            "key": key,
            "label": label,
            "caption": f"{'Fewest' if is_worst else 'Most'} saves per {PER:,} impressions since publication. A rate "
            "from few impressions is drawn toward the account's mean.",
            "pins": [
                details.of(
                    row["id"],
                    figure=f"{row['rate'] * PER:.1f} per {PER:,}",
                    share=f"{row['rate_low'] * PER:.1f} to {row['rate_high'] * PER:.1f}; "
                    f"{row['impressions']:,} impressions",
                )
                for row in shown.iter_rows(named=True)
            ],
            "lists": [],
        }


def _by_oneup(history: AccountHistory, details: PinDetails) -> Iterator[dict[str, Any]]:
    lists = oneup_lists(history)
    if lists.entries.is_empty():
        return
    shown = [
        {
            "title": list_name(str(ranking)),
            "pins": [
                details.of(
                    row["id"] or "",
                    figure="" if row["position"] is None else f"No. {row['position']}",
                    evidence="" if row["engagement_rate"] is None else f"engagement rate {row['engagement_rate']:.1f}%",
                    unseen=row,
                )
                for row in entries.iter_rows(named=True)
            ],
        }
        for (ranking,), entries in lists.entries.group_by("ranking", maintain_order=True)
    ]
    yield {
        "key": "oneup",
        "label": "OneUp's lists",
        "caption": f"OneUp's own lists, {period_text(lists)}. {NOTE}",
        "pins": [pin for one in shown for pin in one["pins"]],
        "lists": shown,
    }


def suggestion_lists(history: AccountHistory, details: PinDetails) -> Iterator[dict[str, Any]]:
    """Yield the lists of what to do; those with something in them first."""
    for one in sorted(suggestions(history), key=lambda suggestion: suggestion.empty is not None):
        pins = [details.of(pin.id, figure=pin.figure, evidence=pin.evidence) for pin in one.pins]
        yield {**one._asdict(), "pins": pins}
