"""Analyze a synced history: load it, ask questions about it, export it, and write the report.

Names are imported at their first use, so that the command line starts quickly.

>>> import oneup_pinterest as op
>>> "load_pins" in dir(op)
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and mypy see
    from oneup_pinterest.database.backup import back_up as back_up
    from oneup_pinterest.database.export import export_parquet as export_parquet
    from oneup_pinterest.database.export import export_relations as export_relations
    from oneup_pinterest.database.load import load_account_followers as load_account_followers
    from oneup_pinterest.database.load import load_accounts as load_accounts
    from oneup_pinterest.database.load import load_overview_metrics as load_overview_metrics
    from oneup_pinterest.database.load import load_pin_totals as load_pin_totals
    from oneup_pinterest.database.load import load_pins as load_pins
    from oneup_pinterest.database.load import load_pins_latest as load_pins_latest
    from oneup_pinterest.database.load import load_post_performance as load_post_performance
    from oneup_pinterest.database.load import load_sync_runs as load_sync_runs
    from oneup_pinterest.database.query import run_query as run_query
    from oneup_pinterest.errors import UserError as UserError
    from oneup_pinterest.history.account_history import AccountHistory as AccountHistory
    from oneup_pinterest.history.account_history import load_account_histories as load_account_histories
    from oneup_pinterest.history.account_history import load_account_history as load_account_history
    from oneup_pinterest.history.period_change import account_changes as account_changes
    from oneup_pinterest.images import PinImages as PinImages
    from oneup_pinterest.questions.actions.answer import actions_answer as actions_answer
    from oneup_pinterest.questions.anomalies.answer import anomalies_answer as anomalies_answer
    from oneup_pinterest.questions.anomalies.answer import levels_answer as levels_answer
    from oneup_pinterest.questions.answer import Answer as Answer
    from oneup_pinterest.questions.change.answer import change_answer as change_answer
    from oneup_pinterest.questions.change.answer import new_pins_answer as new_pins_answer
    from oneup_pinterest.questions.change.answer import trend_answer as trend_answer
    from oneup_pinterest.questions.cohorts.answer import cohorts_answer as cohorts_answer
    from oneup_pinterest.questions.concentration.answer import concentration_answer as concentration_answer
    from oneup_pinterest.questions.concentration.answer import pareto_answer as pareto_answer
    from oneup_pinterest.questions.data_quality.answer import assumptions_answer as assumptions_answer
    from oneup_pinterest.questions.data_quality.answer import counter_types_answer as counter_types_answer
    from oneup_pinterest.questions.data_quality.answer import coverage_answer as coverage_answer
    from oneup_pinterest.questions.data_quality.answer import findings_answer as findings_answer
    from oneup_pinterest.questions.followers.answer import effort_answer as effort_answer
    from oneup_pinterest.questions.followers.answer import follower_change_answer as follower_change_answer
    from oneup_pinterest.questions.followers.answer import follower_gains_answer as follower_gains_answer
    from oneup_pinterest.questions.followers.answer import followers_answer as followers_answer
    from oneup_pinterest.questions.forecast.answer import backtest_answer as backtest_answer
    from oneup_pinterest.questions.forecast.answer import forecast_answer as forecast_answer
    from oneup_pinterest.questions.formats.answer import format_answer as format_answer
    from oneup_pinterest.questions.growth.answer import evergreen_answer as evergreen_answer
    from oneup_pinterest.questions.growth.answer import followed_answer as followed_answer
    from oneup_pinterest.questions.growth.answer import growth_answer as growth_answer
    from oneup_pinterest.questions.growth.answer import growth_share_answer as growth_share_answer
    from oneup_pinterest.questions.growth.answer import half_life_answer as half_life_answer
    from oneup_pinterest.questions.movers.answer import movers_answer as movers_answer
    from oneup_pinterest.questions.oneup_lists.answer import oneup_lists_answer as oneup_lists_answer
    from oneup_pinterest.questions.overview.answer import daily_gains_answer as daily_gains_answer
    from oneup_pinterest.questions.overview.answer import side_by_side_answer as side_by_side_answer
    from oneup_pinterest.questions.overview.answer import totals_answer as totals_answer
    from oneup_pinterest.questions.rates.answer import funnel_answer as funnel_answer
    from oneup_pinterest.questions.rates.answer import ranking_answer as ranking_answer
    from oneup_pinterest.questions.rates.answer import rates_answer as rates_answer
    from oneup_pinterest.questions.summary.answer import summary_answer as summary_answer
    from oneup_pinterest.questions.texts.answer import text_answer as text_answer
    from oneup_pinterest.questions.texts.answer import words_answer as words_answer
    from oneup_pinterest.questions.timing.answer import hour_answer as hour_answer
    from oneup_pinterest.questions.timing.answer import slots_answer as slots_answer
    from oneup_pinterest.questions.timing.answer import weekday_answer as weekday_answer
    from oneup_pinterest.questions.top_pins.answer import top_pins_answer as top_pins_answer
    from oneup_pinterest.questions.why.answer import why_answer as why_answer
    from oneup_pinterest.report import write_report as write_report
    from oneup_pinterest.report import write_reports as write_reports

_NAMES = {
    "database.backup": ("back_up",),
    "database.export": ("export_parquet", "export_relations"),
    "database.load": (
        "load_account_followers",
        "load_accounts",
        "load_overview_metrics",
        "load_pin_totals",
        "load_pins",
        "load_pins_latest",
        "load_post_performance",
        "load_sync_runs",
    ),
    "database.query": ("run_query",),
    "errors": ("UserError",),
    "history.account_history": ("AccountHistory", "load_account_histories", "load_account_history"),
    "history.period_change": ("account_changes",),
    "images": ("PinImages",),
    "questions.answer": ("Answer",),
    "questions.actions.answer": ("actions_answer",),
    "questions.anomalies.answer": ("anomalies_answer", "levels_answer"),
    "questions.change.answer": ("change_answer", "new_pins_answer", "trend_answer"),
    "questions.cohorts.answer": ("cohorts_answer",),
    "questions.concentration.answer": ("concentration_answer", "pareto_answer"),
    "questions.data_quality.answer": (
        "assumptions_answer",
        "counter_types_answer",
        "coverage_answer",
        "findings_answer",
    ),
    "questions.followers.answer": (
        "effort_answer",
        "follower_change_answer",
        "follower_gains_answer",
        "followers_answer",
    ),
    "questions.forecast.answer": ("backtest_answer", "forecast_answer"),
    "questions.formats.answer": ("format_answer",),
    "questions.growth.answer": (
        "evergreen_answer",
        "followed_answer",
        "growth_answer",
        "growth_share_answer",
        "half_life_answer",
    ),
    "questions.movers.answer": ("movers_answer",),
    "questions.oneup_lists.answer": ("oneup_lists_answer",),
    "questions.overview.answer": ("daily_gains_answer", "side_by_side_answer", "totals_answer"),
    "questions.rates.answer": ("funnel_answer", "ranking_answer", "rates_answer"),
    "questions.summary.answer": ("summary_answer",),
    "questions.texts.answer": ("text_answer", "words_answer"),
    "questions.timing.answer": ("hour_answer", "slots_answer", "weekday_answer"),
    "questions.top_pins.answer": ("top_pins_answer",),
    "questions.why.answer": ("why_answer",),
    "report": ("write_report", "write_reports"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
