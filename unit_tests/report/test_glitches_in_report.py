"""The report of a file with a glitch has the numbers of the clean report, except for the affected data."""

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.formatting import format_day
from oneup_pinterest.history.gains import account_daily_gains, daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.report.context import page_of
from test_support.history import LAST_DAY, METRICS, NOW, make_history

pytestmark = pytest.mark.slow

DAYS = 60
PIN = "pin_one-00007"  # published three months ago
SPIKE = 900_000


class Fault(NamedTuple):
    """Wrong counters of `pin_one` on some days of the file.

    `value` is a SQL expression, and `gap` the number of days without a sync before the fault.
    """

    days: range
    value: str = f"{SPIKE}"
    metrics: tuple[str, ...] = ("saves",)
    of_all: bool = False
    gap: int = 0


FAULTS = {
    "one day": Fault(range(30, 31)),
    "two days": Fault(range(30, 32)),
    "three days": Fault(range(30, 33)),
    "at the first observation": Fault(range(1)),
    "at the last observation": Fault(range(DAYS - 1, DAYS)),
    "at the last two observations": Fault(range(DAYS - 2, DAYS)),
    "all pins at once": Fault(range(30, 31), "saves * 50 + 9000", of_all=True),
    "all pins and counters, two days": Fault(range(30, 32), "{} * 50 + 9000", METRICS, of_all=True),
    "all counters of one pin": Fault(range(30, 31), f"{SPIKE}", METRICS),
    "another counter": Fault(range(30, 31), metrics=("clicks",)),
    "after a gap": Fault(range(30, 31), gap=3),
    "impossible": Fault(range(30, 31), "-5"),
    "impossible, at the last observation": Fault(range(DAYS - 1, DAYS), f"{2**60}"),
    "zeros of all pins": Fault(range(30, 32), "0", METRICS, of_all=True),
}
# whole reports take seconds; `make nightly` tries the other faults in one, and the test of gains below tries all
IN_SLOW_TESTS = ("two days", "at the last two observations", "all pins and counters, two days", "after a gap")


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Return the clean file for each number of days without a sync before day 30."""
    folder = tmp_path_factory.mktemp("clean")
    return {
        gap: make_history(folder / f"{gap}.duckdb", days=DAYS, pins=9, missing_days=tuple(range(30 - gap, 30)))
        for gap in (0, 3)
    }


@pytest.fixture(scope="module")
def clean_pages(clean: dict[int, Path]) -> dict[int, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")
        return {gap: page_of(path) for gap, path in clean.items()}


def day_of(place: int) -> date:
    return LAST_DAY - timedelta(days=DAYS - 1 - place)


def with_fault(path: Path, target: Path, fault: Fault) -> Path:
    shutil.copy(path, target)
    which = "" if fault.of_all else f" AND id = '{PIN}'"
    with duckdb.connect(target) as connection:
        for metric in fault.metrics:
            ((changed,),) = connection.execute(
                f"UPDATE _pins SET {metric} = {fault.value.format(metric)} WHERE social_network_id = 'pin_one'{which} "
                f"AND snapshot_date BETWEEN DATE '{day_of(fault.days.start)}' AND DATE '{day_of(fault.days.stop - 1)}'"
            ).fetchall()
            assert changed
    return target


def affected_days(fault: Fault) -> set[date]:
    """Return the days whose gains the fault makes unknown or unconfirmed.

    These exist only at the first and the last observation, where there is nothing to compare with.
    """
    first, last = fault.days.start == 0, fault.days.stop == DAYS
    return {day_of(place - 1 if last else place) for place in fault.days if first or last}


def comparable_rows(side_by_side: dict[str, Any], fault: Fault) -> list[tuple[str, ...]]:
    """Return the rows of the table of all accounts, without rates if the fault reaches the last snapshot."""
    rates = [
        place
        for place, column in enumerate(side_by_side["columns"])
        if fault.days.stop == DAYS
        and ("impressions" in column["name"] or "rate" in column["name"] or column["name"] == "to it")
    ]
    return [tuple(cell for place, cell in enumerate(row) if place not in rates) for row in side_by_side["rows"]]


def sentences_and_rows(account: dict[str, Any], days: set[date]) -> Iterator[tuple[str, Any]]:
    """Yield every sentence and table of an account, without marks and without the rows of some days."""
    for part in ("summary", "period", "tiles", "why", "until_known"):
        yield part, account[part]
    for tab in account["top"]:
        yield f"top pins {'per impression' if tab['key'] in ('best', 'worst') else 'by ' + tab['key']}", tab
    for listed in account["suggestions"]:
        is_of_rates = listed["title"].startswith(("Saved often", "Shown often"))
        yield f"{listed['title']}{' (per impression)' if is_of_rates else ''}", listed
    for group in account["groups"]:
        for answer in group["answers"]:
            if "assumed about the API" in answer["question"]:  # the evidence counts the observations
                yield answer["question"], [row[:-1] for row in answer["rows"]]
                continue
            sentence = answer["sentence"].replace("; gains of some days are spread over gaps", "")
            names = [column["name"] for column in answer["columns"]]
            state = names.index("State") if "State" in names else len(names)
            written = {format_day(day) for day in days}
            rows = [(*row[:state], *row[state + 1 :]) for row in answer["rows"] if not written & set(map(str, row))]
            yield answer["question"], [sentence, rows]


@pytest.mark.parametrize(
    "name",
    [name if name in IN_SLOW_TESTS else pytest.param(name, marks=pytest.mark.nightly) for name in FAULTS],
)
def test_report_with_a_glitch_has_the_numbers_of_the_clean_one(
    name: str, clean: dict[int, Path], clean_pages: dict[int, Any], tmp_path: Path
) -> None:
    fault = FAULTS[name]
    glitched, page = page_of(with_fault(clean[fault.gap], tmp_path / "glitched.duckdb", fault)), clean_pages[fault.gap]
    assert comparable_rows(glitched["side_by_side"], fault) == comparable_rows(page["side_by_side"], fault)
    (one, two), (clean_one, clean_two) = (
        sorted(these["accounts"], key=lambda account: str(account["id"])) for these in (glitched, page)
    )
    assert json.dumps(two, default=str) == json.dumps(clean_two, default=str)
    for (place, here), (_, there) in zip(
        sentences_and_rows(one, affected_days(fault)), sentences_and_rows(clean_one, affected_days(fault)), strict=True
    ):
        if "per impression" in place and fault.days.stop == DAYS:
            continue  # rates use the last snapshot without the fault
        is_of_growth = "grow with its age" in place or "half of its" in place
        if is_of_growth and fault.of_all and len(fault.days) > 1:
            continue  # as after a gap, pins that were new then are not followed, because nothing is extrapolated
        if "unusually many" in place and fault.of_all:
            continue  # days with an imputed gain get no verdict
        if "next two weeks" in place and (fault.of_all or affected_days(fault)):
            continue  # imputed days are left out of the errors of forecasts, and unknown ones end their history
        assert json.dumps(here, default=str) == json.dumps(there, default=str), place
    new = {item.check for item in one["findings"]} - {item.check for item in clean_one["findings"]}
    assert new
    assert new <= {"counters_taken_back", "unconfirmed_gains", "impossible_counters", "all_zero"}


@pytest.mark.parametrize("name", FAULTS)
def test_gains_equal_those_of_the_clean_file_or_are_marked(name: str, clean: dict[int, Path], tmp_path: Path) -> None:
    fault = FAULTS[name]
    pins, clean_pins = (
        load_pins(with_fault(clean[fault.gap], tmp_path / "glitched.duckdb", fault)),
        load_pins(clean[fault.gap]),
    )
    keys = ["social_network_id", "id", "metric", "day"]
    both = (
        daily_gains(LoadedHistory(clean_pins))
        .join(daily_gains(LoadedHistory(pins)), on=keys, how="left", suffix="_glitched")
        .filter(~pl.col("day").is_in(affected_days(fault)))
    )
    assert both.filter((pl.col("gain") - pl.col("gain_glitched")).abs().fill_null(1.0) > 1e-6).is_empty()
    marked = both.filter(pl.col("is_imputed") != pl.col("is_imputed_glitched"))
    is_affected = pl.col("metric").is_in(fault.metrics) & (pl.lit(fault.of_all) | (pl.col("id") == PIN))
    assert marked.filter(~is_affected).is_empty()
    names = ["social_network_id", "metric", "day", "gain"]
    sums = [
        account_daily_gains(LoadedHistory(these))
        .filter(~pl.col("day").is_in(affected_days(fault)))
        .select(*names[:3], pl.col("gain").round(6))
        for these in (pins, clean_pins)
    ]
    assert sums[0].equals(sums[1])


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(range(30, DAYS), "impressions + 50000", ("impressions",)), marks=pytest.mark.nightly),
        Fault(range(30, DAYS), "impressions + 50000", ("impressions",), gap=3),
    ],
)
def test_lasting_viral_rise_is_unchanged(
    fault: Fault, clean: dict[int, Path], clean_pages: dict[int, Any], tmp_path: Path
) -> None:
    path = with_fault(clean[fault.gap], tmp_path / "viral.duckdb", fault)
    gains, before = daily_gains(LoadedHistory(load_pins(path))), daily_gains(LoadedHistory(load_pins(clean[fault.gap])))
    more = gains.with_columns(more=pl.col("gain") - before["gain"]).filter(pl.col("more") != 0)
    days = fault.gap + 1
    assert more["id"].unique().to_list() == [PIN]
    assert more["day"].to_list() == [day_of(29 - back) for back in reversed(range(days))]
    assert more["more"].to_list() == pytest.approx([50_000 / days] * days)
    assert gains.drop("gain").equals(before.drop("gain")), "the rise adds no mark"
    page = page_of(path)
    one, two = sorted(page["accounts"], key=lambda account: str(account["id"]))
    clean_one, clean_two = sorted(clean_pages[fault.gap]["accounts"], key=lambda account: str(account["id"]))
    assert json.dumps(two, default=str) == json.dumps(clean_two, default=str)
    assert one["findings"] == clean_one["findings"]
    of_others = [
        [
            dict(sentences_and_rows(account, set()))[f"How many {metric} did each day gain?"]
            for metric in ("repins", "clicks")
        ]
        for account in (one, clean_one)
    ]
    assert of_others[0] == of_others[1]
