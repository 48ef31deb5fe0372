"""Compute what the page shows of one account, top down; the template only lays it out."""

from typing import Any

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.summary.answer import TOTALS_NOTE, summary_sentence
from oneup_pinterest.questions.summary.statistic import GAINS, period_figures
from oneup_pinterest.report.pin_lists import PinDetails, change_tabs, not_comparable, suggestion_lists, top_tabs
from oneup_pinterest.report.tiles import period_text, tiles_of
from oneup_pinterest.report.until_known import until_known


def account_page(history: AccountHistory) -> dict[str, Any]:
    """Return the variables of the sections of one account, but for its questions (`report.sections`)."""
    figures = period_figures(history)
    details = PinDetails(history)
    return {
        "summary": summary_sentence(history),
        "period": period_text(history, figures),
        "tiles": tiles_of(history, figures),
        "totals_note": TOTALS_NOTE if figures.select((pl.col("source") == GAINS).any()).item() else None,
        "why": list(change_tabs(history, details)),
        "why_not": not_comparable(history),
        "top": list(top_tabs(history, details)),
        "suggestions": list(suggestion_lists(history, details)),
        "until_known": until_known(history),
    }
