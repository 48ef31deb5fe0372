"""What the page shows, worked out from the history; the template only lays it out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import polars as pl

from oneup_pinterest.database.reader import Database, DataWindow, open_history, read_relation, read_window
from oneup_pinterest.formatting import format_table
from oneup_pinterest.history.observations import latest_pins
from oneup_pinterest.history.remembered import remember, remembering
from oneup_pinterest.history.summaries import MARKS, account_names, accounts_by_pins, of_last_preset
from oneup_pinterest.quality.checks.context import CheckContext, read_check_context
from oneup_pinterest.quality.checks.runs import STALE_AFTER
from oneup_pinterest.quality.findings import sort_by_severity
from oneup_pinterest.quality.run_checks import ACCOUNT_CHECKS, DATABASE_CHECKS, find_problems
from oneup_pinterest.questions.answer import NOT_ENOUGH, Answer
from oneup_pinterest.questions.chart_style import styled, unvalidated
from oneup_pinterest.questions.overview.answer import side_by_side_answer
from oneup_pinterest.questions.overview.statistic import adjust_across_accounts
from oneup_pinterest.report.sections import (
    PIN_COLUMNS,
    WIDTH,
    Frames,
    account_sections,
    frames_of,
    headline,
    in_order_of,
    rows_of,
)

MADE_UP = "pin_sandbox_"
LINK = "Link"  # the heading under which an answer's table has addresses


def page_of(database: Database) -> dict[str, Any]:
    """Everything that `page.html.j2` names. Specifications of charts go by the id of their place in the page."""
    with open_history(database) as history:
        window, latest = read_window(history), read_relation(history, "pins_latest")
        facts = read_check_context(history, read_relation(history, "pins", columns=PIN_COLUMNS))
    ids = accounts_by_pins(latest, facts.overview, facts.followers, facts.accounts)
    names = account_names(facts.accounts)
    of_file = find_problems(facts, DATABASE_CHECKS)

    def shown(number: int, account: str) -> tuple[dict[str, Any], pl.DataFrame]:
        with remembering():
            mine = facts.for_account(account, rows_of(facts.pins, account))
            remember(latest_pins, mine.pins, in_order_of(mine.pins, rows_of(latest, account)))
            frames = frames_of(mine)
            told = [*(item for item in of_file if item.where == account), *find_problems(mine, ACCOUNT_CHECKS)]
            page = _account(frames, number, account, names.get(account, account))
            return page | {"findings": sort_by_severity(told)}, frames.side_by_side()

    # two at a time: while one is in Python, the other is in Polars or numpy; more would need more memory
    with unvalidated(), ThreadPoolExecutor(2) as pool:
        found = list(pool.map(shown, range(len(ids)), ids))
    return {
        "accounts": [page for page, _ in found],
        "side_by_side": _side_by_side(facts, [rows for _, rows in found], names) if len(ids) > 1 else None,
        "freshness": _freshness(window, facts),
        # the header says in its own words that data are stale
        "findings": [item for item in of_file if item.where not in ids and item.check != "stale_data"],
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


def _side_by_side(facts: CheckContext, rows: list[pl.DataFrame], names: dict[str, str]) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    accounts = adjust_across_accounts(pl.concat(rows))
    answer = side_by_side_answer(facts.pins, facts.followers, names=names, accounts=accounts, width=WIDTH)
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
    return format_table(table).with_columns(links).rows() if table.width else []


def _freshness(window: DataWindow, facts: CheckContext) -> dict[str, Any]:
    """Until when the figures go: a snapshot shows the days up to the one before it."""
    last: Any = of_last_preset(facts.overview)["period_end"].max()
    if window.last_day:
        last = window.last_day - timedelta(days=1)
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
