"""What the page shows, worked out from the history; the template only lays it out."""

from datetime import timedelta
from typing import Any

import polars as pl

from analysis.answers import NOT_ENOUGH, Answer
from analysis.answers.overview import side_by_side_answer
from analysis.charts.style import styled
from analysis.findings import STALE_AFTER, Facts, findings
from analysis.gains import account_daily_gains, daily_gains
from analysis.load import Database, DataWindow, open_history, read_relation, read_window
from analysis.report.sections import WIDTH, Frames, account_sections, headline
from analysis.status import read_facts
from analysis.summaries import MARKS, account_names, accounts_by_pins
from analysis.texts import written_table

MADE_UP = "pin_sandbox_"
LINK = "Link"  # the heading under which an answer's table has addresses


def page_of(database: Database) -> dict[str, Any]:
    """Everything that `page.html.j2` names. Specifications of charts go by the id of their place in the page."""
    with open_history(database) as history:
        window, facts = read_window(history), read_facts(history)
        overview, totals, latest = (
            read_relation(history, name) for name in ("overview_metrics", "pin_totals", "pins_latest")
        )
    ids = accounts_by_pins(latest, overview, facts.followers, facts.accounts)
    names = account_names(facts.accounts)
    found = findings(facts)
    gains = daily_gains(facts.pins)
    frames = Frames(facts.pins, overview, facts.followers, totals, gains, account_daily_gains(facts.pins))
    return {
        "accounts": [
            _account(frames.of(account), number, account, names.get(account, account))
            | {"findings": [finding for finding in found if finding["where"] == account]}
            for number, account in enumerate(ids)
        ],
        "side_by_side": _side_by_side(frames, names) if len(ids) > 1 else None,
        "freshness": _freshness(window, facts, overview),
        # the header says in its own words that data are stale
        "findings": [item for item in found if item["where"] not in ids and item["check"] != "stale_data"],
        "is_made_up": any(account.startswith(MADE_UP) for account in ids),
        "marks": MARKS,
        "window": window,
    }


def _account(frames: Frames, number: int, account: str, name: str) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    sections = [
        {
            "title": section.title,
            "answers": [
                _laid_out(answer, f"{section.key}-{place}-{number}", charts)
                for place, answer in enumerate(section.answers)
            ],
        }
        for section in account_sections(frames)
    ]
    return {
        "key": f"account-{number}",
        "id": account,
        "name": name,
        **headline(frames),
        "sections": sections,
        "charts": charts,
    }


def _side_by_side(frames: Frames, names: dict[str, str]) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    answer = side_by_side_answer(frames.pins, frames.followers, names=names, width=WIDTH)
    return {**_laid_out(answer, "side-by-side", charts), "charts": charts}


def _laid_out(answer: Answer, place: str, charts: dict[str, Any]) -> dict[str, Any]:
    """The answer as the template writes it; its chart, if it has one, is put among `charts`."""
    if answer.chart is not None:
        charts[place] = styled(answer.chart, "transparent")
    table = answer.table if answer.table is not None else pl.DataFrame()
    return {
        "question": answer.question,
        "sentence": answer.sentence,
        "notes": answer.notes,
        "is_refused": answer.sentence.startswith(NOT_ENOUGH),
        "chart": place if answer.chart is not None else None,
        "columns": [
            {"name": name, "is_number": kind.is_numeric(), "is_link": name == LINK}
            for name, kind in table.schema.items()
        ],
        "rows": _cells(table),
        "is_open": answer.chart is None,
    }


def _cells(table: pl.DataFrame) -> list[tuple[str, ...]]:
    """Rows as text; links as they are, because the template checks them."""
    links = [table[LINK].fill_null("")] if LINK in table.columns else []
    return written_table(table).with_columns(links).rows() if table.width else []


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
