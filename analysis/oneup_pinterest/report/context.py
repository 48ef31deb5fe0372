"""Compute what the page shows; the template only lays it out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import polars as pl

from oneup_pinterest.database.reader import Database, DataWindow, open_history, read_relation, read_window
from oneup_pinterest.database.schema import EXTRACTED_AT
from oneup_pinterest.formatting import format_table
from oneup_pinterest.history.account_history import AccountHistory, read_newest_lists
from oneup_pinterest.history.accounts import account_names, accounts_by_pins
from oneup_pinterest.history.observations import METRICS
from oneup_pinterest.history.totals import of_last_preset
from oneup_pinterest.images import PinImages
from oneup_pinterest.quality.checks.context import CheckContext, read_check_context
from oneup_pinterest.quality.checks.runs import STALE_AFTER
from oneup_pinterest.quality.findings import sort_by_severity
from oneup_pinterest.quality.run_checks import ACCOUNT_CHECKS, DATABASE_CHECKS, find_problems
from oneup_pinterest.quality.status import MADE_UP
from oneup_pinterest.quality.window_sums import sums_per_response
from oneup_pinterest.questions.answer import NOT_ENOUGH, Answer
from oneup_pinterest.questions.chart_style import styled, unvalidated, vega_bundle
from oneup_pinterest.questions.overview.answer import accounts_answer
from oneup_pinterest.questions.overview.statistic import account_figures
from oneup_pinterest.questions.pin_columns import LINK, PIN
from oneup_pinterest.report.account_page import account_page
from oneup_pinterest.report.pin_lists import CHOSEN
from oneup_pinterest.report.sections import GROUPS, WIDTH

LONG_TEXT = 24  # characters: columns with longer texts get a readable width
# of each row of pins; the rest is read once per pin, from `pins_latest`
PIN_COLUMNS = (
    "social_network_id",
    "id",
    "timestamp",
    *METRICS,
    "snapshot_date",
    "period_start",
    "period_end",
    EXTRACTED_AT,
)


def page_of(database: Database, images: PinImages | None = None) -> dict[str, Any]:
    """Return the variables of `page.html.j2`. Chart specifications have the id of their place in the page as key.

    `images` of the page is a data URI for each pin that it names, by account and id; empty without `images`.
    """
    with open_history(database) as history:
        window, latest = read_window(history), read_relation(history, "pins_latest")
        lists = read_newest_lists(history)
        facts = read_check_context(history, read_relation(history, "pins", columns=PIN_COLUMNS))
    ids = accounts_by_pins(latest, facts.history.overview, facts.history.followers, facts.history.accounts)
    names = account_names(facts.history.accounts)

    def shown(number: int, account: str) -> tuple[dict[str, Any], pl.DataFrame, pl.DataFrame]:
        history = _history_of(account, facts, latest, lists)
        problems = find_problems(facts.with_history(history), ACCOUNT_CHECKS)
        page = _account(history, number, names.get(account, account))
        return page | {"findings": problems}, account_figures(history), sums_per_response(history)

    # two at a time: one runs in Python while the other runs in Polars or numpy; more would need more memory
    with unvalidated(), ThreadPoolExecutor(2) as pool:
        pages = pool.map(shown, range(len(ids)), ids)
        pool.submit(vega_bundle)  # beside the last account
        found = list(pages)
    if found:  # the sums of all accounts are those of each, whose observations were at hand
        facts.history.keep(sums_per_response, pl.concat([sums for *_, sums in found]))
    of_file = find_problems(facts, DATABASE_CHECKS)
    for page, *_ in found:
        noted = [item for item in of_file if item.where == page["id"]]
        page["findings"] = sort_by_severity([*noted, *page["findings"]])
    return {
        "accounts": [page for page, *_ in found],
        "side_by_side": _side_by_side([rows for _, rows, _ in found], names) if len(ids) > 1 else None,
        "freshness": _freshness(window, facts),
        "images": images.of(_named_pins([page for page, *_ in found], latest)) if images else {},
        # the header reports stale data itself
        "findings": [item for item in of_file if item.where not in ids and item.check != "stale_data"],
        "is_made_up": any(account.startswith(MADE_UP) for account in ids),
        "chosen": CHOSEN,
        "window": window,
    }


def _history_of(account: str, facts: CheckContext, latest: pl.DataFrame, lists: pl.DataFrame) -> AccountHistory:
    """Return the history of one account of a file, without copying its pins, which may have millions of rows."""
    is_mine = pl.col("social_network_id") == account
    return AccountHistory(
        account,
        _rows_of(facts.history.pins, account),
        pins_latest=_rows_of(latest, account),
        overview=facts.history.overview.filter(is_mine),
        followers=facts.history.followers.filter(is_mine),
        pin_totals=facts.history.pin_totals.filter(is_mine),
        post_performance=lists.filter(is_mine),
        accounts=facts.history.accounts.filter(is_mine),
    )


def _rows_of(frame: pl.DataFrame, account: str) -> pl.DataFrame:
    """Return the rows of one account, of a frame that is sorted by account."""
    is_mine = frame["social_network_id"] == account
    return frame.slice(is_mine.arg_max() or 0, int(is_mine.sum()))


def _account(history: AccountHistory, number: int, name: str) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    groups = [
        {
            "title": group.title,
            "answers": [
                _laid_out(ask(history), f"{group.key}-{place}-{number}", charts) for place, ask in enumerate(group.ask)
            ],
        }
        for group in GROUPS
    ]
    return {
        "key": f"account-{number}",
        "id": history.social_network_id,
        "name": name,
        **account_page(history),
        "groups": groups,
        "charts": charts,
    }


def _named_pins(pages: list[dict[str, Any]], latest: pl.DataFrame) -> pl.DataFrame:
    """Return the pins that the pages show with a picture."""
    lists = [part for page in pages for name in ("why", "top", "suggestions") for part in page[name]]
    pins = {(pin["account"], pin["id"]) for part in lists for pin in part.get("pins", ())}
    for page in pages:
        answers = (answer for group in page["groups"] for answer in group["answers"])
        pins |= {(page["id"], pin) for answer in answers for pin in answer["pins"] if pin}
    columns = {"social_network_id": pl.String, "id": pl.String}
    return latest.join(pl.DataFrame(sorted(pins), schema=columns, orient="row"), on=list(columns), how="semi")


def _side_by_side(rows: list[pl.DataFrame], names: dict[str, str]) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    answer = accounts_answer(rows, names, width=WIDTH)
    return {**_laid_out(answer, "side-by-side", charts), "charts": charts}


def _laid_out(answer: Answer, place: str, charts: dict[str, Any]) -> dict[str, Any]:
    """Return the answer as the template needs it, and add its chart, if any, to `charts`."""
    if answer.chart is not None:
        charts[place] = styled(answer.chart, "transparent")
    table = answer.table if answer.table is not None else pl.DataFrame()
    table = table.select(column for column in table if column.null_count() < column.len())
    cells = format_table(table) if table.width else table
    links = [table[LINK].fill_null("")] if LINK in table.columns else []  # unchanged, because the template checks them
    return {
        "question": answer.question,
        "sentence": answer.sentence,
        "notes": answer.notes,
        "is_refused": answer.sentence.startswith(NOT_ENOUGH),
        "chart": place if answer.chart is not None else None,
        "columns": [
            {"name": name, "kind": _kind(name, dtype), "is_long": _is_long(cells[name])}
            for name, dtype in table.schema.items()
        ],
        "rows": cells.with_columns(links).rows(),
        "pins": answer.pins,
        "is_open": answer.chart is None,
    }


def _kind(name: str, dtype: pl.DataType) -> str:
    if name in (PIN, LINK):
        return "pin" if name == PIN else "link"
    return "number" if dtype.is_numeric() else "date" if dtype.is_temporal() else "text"


def _is_long(cells: pl.Series) -> bool:
    return bool((cells.str.len_chars() > LONG_TEXT).any())


def _freshness(window: DataWindow, facts: CheckContext) -> dict[str, Any]:
    """Return the last day of the figures: a snapshot covers the days up to the one before it."""
    last: Any = of_last_preset(facts.history.overview)["period_end"].max()
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
