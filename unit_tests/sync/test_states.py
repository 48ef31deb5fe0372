"""A new state keeps the stored cursors of other accounts, and loading a state moves no cursor back."""

from datetime import datetime
from typing import Any

import pytest

from oneup_pinterest.sync.states import keep_other_entries, merge_states


def entry(account: str, day: int, preset: str | None = None) -> dict[str, Any]:
    partition = {"social_network_id": account, "parent_slice": {}} | ({"preset": preset} if preset else {})
    return {"partition": partition, "cursor": {"period_end": f"2026-05-{day:02}"}}


def state(*entries: Any) -> dict[str, Any]:
    return {"use_global_cursor": False, "states": list(entries)}


def test_accounts_missing_from_the_new_state_keep_their_cursors() -> None:
    written = keep_other_entries(state(entry("b", 20)), state(entry("a", 19), entry("b", 18)))
    assert written == state(entry("b", 20), entry("a", 19))


def test_other_presets_are_kept_and_entries_without_a_preset_are_not() -> None:
    before = state(entry("a", 1), entry("a", 2, "last_7_days"), entry("a", 3, "last_30_days"))
    assert keep_other_entries(state(entry("a", 9, "last_30_days")), before) == state(
        entry("a", 9, "last_30_days"), entry("a", 2, "last_7_days")
    )


@pytest.mark.parametrize("odd", [None, 7, "x", {}, {"partition": {"social_network_id": "c"}}, {"cursor": 1}])
def test_invalid_entries_are_not_kept(odd: Any) -> None:
    assert keep_other_entries(state(entry("b", 20)), state(odd)) == state(entry("b", 20))


def test_state_without_entries_is_unchanged() -> None:
    assert keep_other_entries({"done": True}, {}) == {"done": True}
    assert keep_other_entries({"states": []}, state(entry("a", 1))) == {"states": [entry("a", 1)]}


def loaded_entry(account: str, cursor: str, since: str | None = None, **more: Any) -> dict[str, Any]:
    found = {"partition": {"social_network_id": account, **more}, "cursor": {"period_end": cursor}}
    return {**found, "since": since} if since else found


A1, A5, A9 = (loaded_entry("a", f"2026-05-0{day}", "2026-01-01") for day in (1, 5, 9))


@pytest.mark.parametrize(
    ("stored", "loaded", "is_later", "expected"),
    [
        ([A1], [A5], True, [A5]),
        ([A5], [A1], False, [A5]),
        ([A5], [A1], True, [A5]),  # the newer state has the older cursor because of a wrong clock
        ([A5], [loaded_entry("b", "2026-05-01")], False, [A5, loaded_entry("b", "2026-05-01")]),
        ([A5], [loaded_entry("b", "2026-05-01")], True, [loaded_entry("b", "2026-05-01"), A5]),
        (
            [loaded_entry("a", "2026-05-05", "2026-04-01", preset="y")],
            [loaded_entry("a", "2026-05-05", "2026-04-01", preset="x")],
            True,
            [loaded_entry("a", "2026-05-05", "2026-04-01", preset=preset) for preset in "xy"],
        ),
        (
            [loaded_entry("a", "2026-05-05")],
            [loaded_entry("a", "2026-05-06", preset="x")],
            True,
            [loaded_entry("a", "2026-05-06", preset="x")],
        ),  # the stored entry is from 0.1.0
        # the days between the two states were not read
        ([A1], [loaded_entry("a", "2026-05-09", "2026-05-03")], True, [A1]),
        ([loaded_entry("a", "2026-05-09", "2026-05-03")], [A1], False, [loaded_entry("a", "2026-05-09", "2026-05-03")]),
        # one state begins where the other one ends
        ([A1], [loaded_entry("a", "2026-05-09", "2026-05-02")], True, [A9]),
        ([loaded_entry("a", "2026-05-09", "2026-05-02")], [A1], False, [A9]),
        ([loaded_entry("a", "2026-05-01")], [loaded_entry("a", "2026-05-02")], True, [loaded_entry("a", "2026-05-02")]),
    ],
)
def test_merge_keeps_every_cursor_and_moves_none_back(
    stored: list[Any], loaded: list[Any], is_later: bool, expected: list[Any]
) -> None:
    old, new = datetime(2026, 5, 9), datetime(2026, 5, 10)
    times = (old, new) if is_later else (new, old)

    assert merge_states({"states": stored}, times[0], {"states": loaded}, times[1]) == ({"states": expected}, new)


def test_merge_of_states_without_cursors_takes_the_newer_one() -> None:
    old, new = datetime(2026, 5, 9), datetime(2026, 5, 10)

    assert merge_states({"a": 1}, old, {"b": 1}, new) == ({"b": 1}, new)
    assert merge_states({"a": 1}, new, {"b": 1}, old) == ({"a": 1}, new)
    assert merge_states({"states": [A1]}, new, {}, old) == ({"states": [A1]}, new)
