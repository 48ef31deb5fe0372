"""The checks of counters find restatements, resets, reverted rises and impossible values."""

from datetime import date
from typing import Any

from unit_tests.quality.contexts import context_of, find_by_check, pin


def test_restated_counters_are_info_unless_most_fell() -> None:
    def history(falling: int) -> list[dict[str, Any]]:
        return [
            pin(number, day, 1000 + 20 * day - (35 if number < falling and day >= 9 else 0))
            for number in range(10)
            for day in range(20)
        ]

    few, most = (find_by_check(context_of(history(falling)))["counters_restated"] for falling in (3, 8))
    assert (few.severity, few.since) == ("info", date(2026, 3, 10))
    assert "The counters of impressions of many pins fell at one sync" in few.what
    assert most.severity == "warning"
    assert "of most pins" in most.what
    assert "counters_restated" not in find_by_check(context_of(history(0)))


def test_resets_of_single_pins_are_info() -> None:
    pins = [pin(number, day, 500 + day - 500 * (number == 0 and day >= 6)) for number in range(5) for day in range(12)]
    assert find_by_check(context_of(pins))["pins_reset"].since == date(2026, 3, 7)
    assert "The counters of 1 pin were reset" in find_by_check(context_of(pins))["pins_reset"].what


def test_reverted_rise_is_info_and_names_the_pin() -> None:
    rows = [pin(1, day, count) for day, count in enumerate((100, 101, 102, 900_000, 104, 105))]
    found = find_by_check(context_of(rows))
    assert found["counters_taken_back"].severity == "info"
    assert found["counters_taken_back"].what == (
        "The counters of impressions of 1 pin rose on 1 day and fell back to where they had been; the highest was "
        "900,000 impressions of pin 1 on 4 Mar 2026."
    )
    assert not {"unconfirmed_gains", "pins_reset", "counters_reset"} & set(found)


def test_unconfirmed_rise_names_the_pin() -> None:
    rows = [pin(1, day, count) for day, count in enumerate((100, 101, 102, 900_000))]
    unconfirmed = find_by_check(context_of(rows))["unconfirmed_gains"]
    assert (unconfirmed.severity, unconfirmed.since) == ("warning", date(2026, 3, 4))
    assert unconfirmed.what == (
        "Gains far beyond anything that this account has shown are not confirmed yet: "
        "pin 1 (+899,898 impressions on 4 Mar 2026)."
    )


def test_impossible_counts_are_an_error_with_an_example() -> None:
    for day_three in ({"saves": -5}, {"impressions": 2**60}, {"clicks": 9_000}):
        rows = [pin(1, day, 100 + day) for day in (0, 1)] + [{**pin(1, 2, 102), **day_three}]
        impossible = find_by_check(context_of(rows))["impossible_counters"]
        ((metric, value),) = day_three.items()
        assert impossible.severity == "error"
        assert f"{value:,} {metric} of pin 1 on 3 Mar 2026" in impossible.what


def dropping(pins: int, falling: int, counts: list[int], low: list[int], **others: int) -> list[dict[str, Any]]:
    """Return pins with these impressions by day; those that fall have `low` where `counts` is -1, the others 500."""
    rows = []
    for number in range(pins):
        lows = iter(low)
        for day, count in enumerate(counts):
            value = count if count >= 0 else next(lows) if number < falling else 500
            rows.append(pin(number, day, value, **others))
    return rows


def test_dropped_counters_are_info_with_the_day_and_the_number_of_pins() -> None:
    found = find_by_check(context_of(dropping(6, 4, [500, 501, 502, -1, 504, 505], [0])))
    dropped = found["counters_dropped"]
    assert (dropped.severity, dropped.since, dropped.where) == ("info", date(2026, 3, 4), "pin_a")
    assert dropped.what == (
        "The counters of impressions of 4 pins fell to 0 or far below on 4 Mar 2026, and came back later."
    )
    assert not {"all_zero", "pins_reset", "counters_reset", "counters_restated", "counters_taken_back"} & set(found)


def test_zeros_in_between_are_one_finding_over_their_days() -> None:
    found = find_by_check(context_of(dropping(6, 4, [500, 501, 502, -1, -1, -1, 504, 505], [0, 0, 0])))
    assert found["counters_dropped"].since == date(2026, 3, 4)
    assert "of 4 pins fell to 0 or far below on 3 days, most recently 6 Mar 2026," in found["counters_dropped"].what
    assert not {"all_zero", "pins_reset", "counters_reset", "counters_taken_back"} & set(found)


def test_counters_that_fall_far_below_and_come_back_are_dropped() -> None:
    found = find_by_check(context_of(dropping(10, 4, [500, 501, 502, -1, 504, 505], [90])))
    assert "of 4 pins fell to 0 or far below on 4 Mar 2026" in found["counters_dropped"].what
    assert not {"pins_reset", "counters_reset", "counters_taken_back"} & set(found)


def test_all_counters_of_one_metric_are_dropped_if_they_come_back() -> None:
    rows = [
        {**row, "saves": 0 if row["snapshot_date"] == date(2026, 3, 4) else 50}
        for row in dropping(6, 0, [500, 501, 502, 503, 504, 505], [])
    ]
    found = find_by_check(context_of(rows))
    assert "counters of saves of 6 pins fell to 0" in found["counters_dropped"].what
    assert "all_zero" not in found
    never_back = [row for row in rows if row["snapshot_date"] <= date(2026, 3, 4)]
    assert "counters_dropped" not in find_by_check(context_of(never_back))


def test_lost_connections_resets_and_single_pins_are_no_dropped_counters() -> None:
    lost = find_by_check(context_of(dropping(6, 6, [500, 501, 502, -1, 504, 505], [0])))
    assert "all_zero" in lost
    reset = find_by_check(context_of(dropping(6, 4, [500, 501, 502, -1, -1, -1], [0, 3, 4])))
    assert {"pins_reset", "counters_reset"} & set(reset)
    single = find_by_check(context_of(dropping(6, 1, [500, 501, 502, -1, 504, 505], [0])))
    clean = find_by_check(context_of(dropping(6, 0, [500, 501, 502, 503], [])))
    assert all("counters_dropped" not in found for found in (lost, reset, single, clean))
