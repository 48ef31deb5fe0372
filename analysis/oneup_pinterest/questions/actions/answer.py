"""Suggest what to do next: lists of pins with a reason each, and what passed its test."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import polars as pl

from oneup_pinterest.formatting import format_count, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import MIN_PINS as MIN_OUTCOMES
from oneup_pinterest.history.latest import with_pin_texts
from oneup_pinterest.methods.verdicts import LESS, MORE
from oneup_pinterest.questions.actions.statistic import OLD_DAYS, still_earning, unusual_rates
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.formats.statistic import format_differences
from oneup_pinterest.questions.movers.statistic import pin_movers
from oneup_pinterest.questions.pin_columns import pin_link, pin_name
from oneup_pinterest.questions.texts.answer import said
from oneup_pinterest.questions.texts.statistic import text_effects
from oneup_pinterest.questions.texts.words import word_contrasts
from oneup_pinterest.questions.timing.chart import slot_name
from oneup_pinterest.questions.timing.statistic import slot_effects

SHOWN = 3  # pins per list
_COUNTS = "These are counts; nothing is estimated."
_FEW_FALSE = "at most one in twenty of such pins is expected to be here by chance"


class SuggestedPin(NamedTuple):
    """A pin of a list: its id, its figure, and what the figure is compared with."""

    id: str
    figure: str
    evidence: str


class Suggestion(NamedTuple):
    """Pins or findings to act on.

    - title: what they are, and what to do; advice: why, in a sentence
    - pins: at most 3, the most important first; findings: sentences, where it is not about pins
    - certainty: how sure this is
    - empty: why there is nothing to list; None where there is something
    """

    title: str
    advice: str
    pins: tuple[SuggestedPin, ...]
    findings: tuple[str, ...]
    certainty: str
    empty: str | None


def suggestions(history: AccountHistory) -> tuple[Suggestion, ...]:
    """Return every list of suggestions, in the order of the report; an empty one says why it is empty.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> found = suggestions(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema)))
    >>> found[0].title, found[0].empty
    ('Still earning: pin them again', 'Not yet: no gains of clicks are known yet.')
    """
    return (
        _still_earning(history),
        _moved(history, MORE),
        _moved(history, LESS),
        _little_shown(history),
        _rarely_clicked(history),
        _tested(history),
    )


def actions_answer(history: AccountHistory, *, width: int | str = WIDTH) -> Answer:  # as every answer
    """Answer what to do next. The table has one row per pin of every list, with its figure and evidence.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> actions_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Nothing stands out to act on yet.'
    """
    lists = suggestions(history)
    schema = dict.fromkeys(("What to do", "id", "Figure", "Evidence"), pl.String)
    rows = [(one.title, pin.id, pin.figure, pin.evidence) for one in lists for pin in one.pins]
    pins = pl.DataFrame(rows, schema, orient="row")
    table = with_pin_texts(history, pins).select("What to do", pin_name(60), pin_link(), "Figure", "Evidence")
    filled = [f"{one.title} ({len(one.pins) or len(one.findings)})" for one in lists if one.empty is None]
    sentence = f"{'; '.join(filled)}." if filled else "Nothing stands out to act on yet."
    notes = (
        *(finding for one in lists for finding in one.findings),
        *(f"{one.title}: {one.empty}" for one in lists if one.empty),
    )
    return Answer("What should be done next?", sentence, None, table if rows else None, notes, tuple(pins["id"]))


def _still_earning(history: AccountHistory) -> Suggestion:
    found = still_earning(history)
    described = (
        "Still earning: pin them again",
        f"Published more than {OLD_DAYS} days ago, and still bringing clicks week after week. Check that the link "
        "works, refresh the page behind it, and pin it again.",
    )
    if isinstance(found, str):
        return _empty(*described, _COUNTS, f"Not yet: {found}.")
    pins = _pins(found, lambda row: (_count(row["value"], "click"), f"some in each of the last {row['weeks']} weeks"))
    return _listed(
        *described, pins, found.height, _COUNTS, "No pin that old brought 10 clicks, and some in every week."
    )


def _moved(history: AccountHistory, verdict: str) -> Suggestion:
    moved = pin_movers(history)
    rising = verdict == MORE
    described = (
        "Rising now: give them a push" if rising else "Fading: refresh or let go",
        "In the last week these gained more saves than their own level and age predict. Pin the subject again while it "
        "is wanted."
        if rising
        else "In the last week these gained fewer saves than their own level and age predict. If the subject still "
        "matters, make a new pin for it.",
    )
    certainty = f"Tested against chance: {_FEW_FALSE}."
    if moved["p"].null_count() == moved.height:
        why = "it needs 10 pins older than a week that were seen through the last week and a week before it"
        return _empty(*described, certainty, f"Not yet: {why}.")
    found = moved.filter(pl.col("verdict") == verdict).sort(pl.col("more").abs(), descending=True)
    pins = _pins(
        found,
        lambda row: (
            f"{_count(row['gain'], 'save')} in a week",
            f"{row['low']:,.0f} to {row['high']:,.0f} were to be expected",
        ),
    )
    less = "more" if rising else "fewer"
    return _listed(
        *described, pins, found.height, certainty, f"No pin gained {less} saves than its own weeks usually differ by."
    )


def _little_shown(history: AccountHistory) -> Suggestion:
    found = unusual_rates(history, "saves", "high")
    described = "Saved often, shown little: give them reach", "New pins of the same subject or picture are worth a try."
    certainty = f"Tested against chance: {_FEW_FALSE}. The rate may fall as more people see them."
    return _of_rates(found, "saves", described, certainty, "No pin with few impressions is saved clearly more often.")


def _rarely_clicked(history: AccountHistory) -> Suggestion:
    found = unusual_rates(history, "clicks", "low")
    described = (
        "Shown often, rarely clicked: fix title or link",
        "Many people see these and few go on. Say in title and picture what the link offers.",
    )
    certainty = f"Tested against chance: {_FEW_FALSE}."
    return _of_rates(found, "clicks", described, certainty, "No pin that is shown often is clicked clearly less.")


def _of_rates(
    found: pl.DataFrame | str, metric: str, described: tuple[str, str], certainty: str, nothing: str
) -> Suggestion:
    if isinstance(found, str):
        return _empty(*described, certainty, f"Not yet: {found}.")
    title, advice = described
    if found.height:
        advice = f"The account gets {metric} from {_percent(found['account_rate'][0])} of its impressions. {advice}"
    pins = _pins(
        found,
        lambda row: (
            _percent(row["rate"]),
            f"{row['impressions']:,} impressions; 95% interval {_percent(row['low'])} to {_percent(row['high'])}",
        ),
    )
    return _listed(title, advice, pins, found.height, certainty, nothing)


def _tested(history: AccountHistory) -> Suggestion:
    """Return the formats, texts, words and times that pass their tests."""
    title, advice = "Formats, subjects and times", "Compared are pins of the same weeks, by their saves after 7 days."
    certainty = "Each was tested against chance, and the tests allow for how many were compared."
    known = history.first_week("saves").height if "saves" in history.metrics else 0
    if known < MIN_OUTCOMES:
        why = f"it needs {MIN_OUTCOMES} pins whose saves after 7 days are known, and there are {known}"
        return _empty(title, advice, certainty, f"Not yet: {why}.")
    findings = tuple(_findings(history))
    nothing = "No format, feature of the text, word, weekday or time of day passed its test."
    return Suggestion(title, advice, (), findings, certainty, None if findings else nothing)


def _findings(history: AccountHistory) -> Iterator[str]:
    for row in _passed(format_differences(history), "more", "less"):
        first, second = (row["first"], row["second"]) if row["ratio"] >= 1 else (row["second"], row["first"])
        yield f"{first.capitalize()} pins had {_times(row)} the saves of {second} pins."
    for row in _passed(text_effects(history), "more", "less"):
        yield f"Pins whose text {said(row['feature'])} had {row['ratio']:.1f} times the saves of the others."
    for row in _passed(word_contrasts(history), "more", "less"):
        yield f"Pins with “{truncate(row['word'], 40)}” had {row['ratio']:.1f} times the saves of the others."
    for table in (slot_effects(history, "saves", "weekday"), slot_effects(history, "saves", "hour", 3)):
        for row in _passed(table, "above", "below"):
            change = f"{abs(row['effect']):.0f}% {'more' if row['verdict'] == 'above' else 'fewer'} saves than others"
            when = "between" if row["weekday"] is None else "on"
            slot = slot_name(row["weekday"], row["hour"], 3).replace(" to ", " and ")
            yield f"Pins published {when} {slot} had {change}."


def _passed(table: pl.DataFrame, *verdicts: str) -> Iterator[dict[str, Any]]:
    yield from table.filter(pl.col("verdict").is_in(verdicts)).iter_rows(named=True)


def _pins(found: pl.DataFrame, described: Callable[[dict[str, Any]], tuple[str, str]]) -> tuple[SuggestedPin, ...]:
    return tuple(SuggestedPin(row["id"], *described(row)) for row in found.head(SHOWN).iter_rows(named=True))


def _listed(
    title: str, advice: str, pins: tuple[SuggestedPin, ...], height: int, certainty: str, nothing: str
) -> Suggestion:
    rest = height - len(pins)
    more = f" {rest:,} more {'is' if rest == 1 else 'are'} like these." if rest else ""
    return Suggestion(title, advice + more, pins, (), certainty, None if pins else nothing)


def _empty(title: str, advice: str, certainty: str, why: str) -> Suggestion:
    return Suggestion(title, advice, (), (), certainty, why)


def _count(value: float, noun: str) -> str:
    return format_count(round(value), noun)


def _percent(rate: float) -> str:
    return f"{rate * 100:.1f}%" if rate >= 0.01 else f"{rate * 100:.2f}%"  # two digits below 1%


def _times(row: dict[str, Any]) -> str:
    ratio = row["ratio"] if row["ratio"] >= 1 else 1 / row["ratio"]
    return f"{ratio:.1f} times"
