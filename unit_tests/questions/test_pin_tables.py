"""Every table that names pins has their links and ids, so that the report can show pictures."""

from inspect import signature

import duckdb
import polars as pl
import pytest

import oneup_pinterest as op
from oneup_pinterest.history.latest import with_pin_texts
from oneup_pinterest.questions.pin_columns import LINK, PIN
from test_support.history import make_long_history

ANSWERS = [name for name in op.__all__ if name.endswith("_answer")]
METRIC = {"movers_answer": ("impressions",)}  # of which the pins have enough
OF_PINS = {
    "actions_answer",
    "movers_answer",
    "oneup_lists_answer",
    "pareto_answer",
    "ranking_answer",
    "rates_answer",
    "top_pins_answer",
    "why_answer",
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> op.AccountHistory:
    """Return a history with enough data for every answer; the pins of the first days bring clicks in every week."""
    path = make_long_history(tmp_path_factory.mktemp("pins") / "h.duckdb", ("pin_one",))
    with duckdb.connect(path) as connection:
        connection.execute(
            "UPDATE _pins SET clicks = clicks + 5 * (snapshot_date - timestamp::DATE) WHERE timestamp < '2026-01-15'"
        )
    return op.load_account_history(path, "pin_one")


@pytest.mark.parametrize("name", ANSWERS)
def test_rows_that_are_pins_have_a_link_and_an_id(name: str, history: op.AccountHistory) -> None:
    ask = getattr(op, name)
    if next(iter(signature(ask).parameters)) != "history":
        return  # about a file or several accounts
    answer: op.Answer = ask(history, *METRIC.get(name, ()))
    if name not in OF_PINS:
        assert answer.table is None or PIN not in answer.table.columns
        assert answer.pins == ()
        return
    assert answer.table is not None
    assert LINK in answer.table.columns
    texts = dict(with_pin_texts(history, pl.DataFrame({"id": answer.pins})).select("id", "text").iter_rows())
    assert len(answer.pins) == answer.table.height > 0
    for pin, shown in zip(answer.pins, answer.table[PIN], strict=True):
        assert " ".join((texts[pin] or shown).split()).startswith(shown.removesuffix("…").rstrip()), pin


def test_links_to_other_places_are_left_out(history: op.AccountHistory) -> None:
    bad = history.latest_pins.with_columns(permalink=pl.lit("javascript:alert(1)"))
    hostile = op.AccountHistory("pin_one", history.pins, pins_latest=bad)
    for name in OF_PINS - {"oneup_lists_answer"}:
        table = getattr(op, name)(hostile, *METRIC.get(name, ())).table
        assert table is not None, name
        assert table[LINK].null_count() == table.height, name
