"""What the page shows, worked out from the history; the template only lays it out."""

from datetime import timedelta
from typing import Any

import polars as pl

from analysis.charts.daily import daily_gains_chart, followers_chart, totals_chart
from analysis.charts.style import styled
from analysis.findings import STALE_AFTER, Facts, findings
from analysis.gains import account_daily_gains
from analysis.load import Database, DataWindow, open_history, read_relation, read_window
from analysis.status import read_facts
from analysis.summaries import (
    MARKS,
    account_names,
    account_totals,
    accounts_by_pins,
    refusal,
    top_pins,
    weeks_sentence,
)

GAINS_SHOWN = ("saves", "repins", "clicks")
DAYS_SHOWN = 90  # more bars cannot be told apart on a phone
MADE_UP = "pin_sandbox_"


def page_of(database: Database) -> dict[str, Any]:
    """Everything that `page.html.j2` names, and `charts`: the specifications by the id of their place in the page."""
    with open_history(database) as history:
        window, facts = read_window(history), read_facts(history)
        overview = read_relation(history, "overview_metrics")
        latest = read_relation(history, "pins_latest")
    totals, best = account_totals(overview), top_pins(latest)
    gains = account_daily_gains(facts.pins, GAINS_SHOWN)
    ids = accounts_by_pins(latest, overview, facts.followers, facts.accounts)
    names = account_names(facts.accounts)
    found = findings(facts)
    charts: dict[str, Any] = {}
    accounts = [
        {
            "key": f"account-{number}",
            "id": account,
            "name": names.get(account, account),
            "totals": _totals(_of(totals, account), f"totals-{number}", charts),
            "gains": _gains(_of(gains, account), number, charts),
            "pins": _of(best, account).to_dicts(),
            "pins_known": _of(latest, account).height,
            "followers": _followers(_of(facts.followers, account), f"followers-{number}", charts),
            "findings": [finding for finding in found if finding["where"] == account],
        }
        for number, account in enumerate(ids)
    ]
    return {
        "accounts": accounts,
        "charts": charts,
        "freshness": _freshness(window, facts, overview),
        # the header says in its own words that data are stale
        "findings": [item for item in found if item["where"] not in ids and item["check"] != "stale_data"],
        "is_made_up": any(account.startswith(MADE_UP) for account in ids),
        "marks": MARKS,
        "window": window,
    }


def _of(frame: pl.DataFrame, account: str) -> pl.DataFrame:
    return frame.filter(pl.col("social_network_id") == account)


def _freshness(window: DataWindow, facts: Facts, overview: pl.DataFrame) -> dict[str, Any]:
    """Until when the figures go: a snapshot shows the days up to the one before it."""
    last: Any = window.last_day - timedelta(days=1) if window.last_day else overview["period_end"].max()
    age = facts.now - facts.last_sync if facts.last_sync else None
    return {
        "last_day": last,
        "is_yesterday": last == facts.now.date() - timedelta(days=1),
        "last_sync": facts.last_sync,
        "age": _age(age),
        "is_stale": age is not None and age > STALE_AFTER,
        "stale_after": STALE_AFTER,
        "written": facts.now,
    }


def _age(age: timedelta | None) -> str:
    hours = round(age.total_seconds() / 3600) if age else 0
    if hours < 1:
        return "less than an hour ago"
    if hours < 48:
        return f"{hours} hour{'' if hours == 1 else 's'} ago"
    return f"{hours // 24} days ago"


def _totals(totals: pl.DataFrame, place: str, charts: dict[str, Any]) -> dict[str, Any] | None:
    if totals.is_empty():
        return None
    first = totals.row(0, named=True)
    days = (first["period_end"] - first["period_start"]).days + 1 if first["period_start"] else None
    charts[place] = styled(totals_chart(totals, "container"), "transparent")
    return {
        "chart": place,
        "rows": totals.to_dicts(),
        "days": days,
        "start": first["period_start"],
        "end": first["period_end"],
    }


def _gains(gains: pl.DataFrame, number: int, charts: dict[str, Any]) -> dict[str, Any]:
    """One entry a metric, with a chart, a sentence instead of one, or both; and all days in one table."""
    last = gains["day"].max()
    if last is not None:
        gains = gains.filter(pl.col("day") > pl.lit(last) - pl.duration(days=DAYS_SHOWN))
    metrics = []
    for metric in GAINS_SHOWN:
        rows = gains.filter(pl.col("metric") == metric)
        is_falling = (rows["kind"] == "falling").any()
        chart = None if rows.is_empty() or is_falling else f"{metric}-{number}"
        if chart:
            charts[chart] = styled(daily_gains_chart(gains, metric, "container"), "transparent")
        sentence = refusal(metric) if is_falling else weeks_sentence(gains, metric)
        metrics.append({"metric": metric, "chart": chart, "sentence": sentence})
    shown = [entry["metric"] for entry in metrics if entry["chart"]]
    kept = gains.filter(pl.col("metric").is_in(shown))
    days = (
        kept.group_by("day")
        .agg(
            *(pl.col("gain").filter(pl.col("metric") == metric).first().alias(metric) for metric in GAINS_SHOWN),
            pins=pl.col("pins_observed").max(),
            imputed=pl.col("pins_imputed").max(),
            fallen=pl.col("pins_fallen").max(),
            is_provisional=pl.col("is_provisional").any(),
        )
        .sort("day", descending=True)
    )
    return {"metrics": metrics, "shown": shown, "days": days.to_dicts()}


def _followers(followers: pl.DataFrame, place: str, charts: dict[str, Any]) -> dict[str, Any] | None:
    known = followers.filter(pl.col("total_followers").is_not_null())
    if known.is_empty():
        return None
    if known.height >= 2:
        charts[place] = styled(followers_chart(known.tail(365), "container"), "transparent")
    first, last = known.row(0, named=True), known.row(-1, named=True)
    return {
        "chart": place if known.height >= 2 else None,
        "first": first,
        "last": last,
        "change": last["total_followers"] - first["total_followers"],
        "rows": known.reverse().to_dicts(),
    }
