"""What a state that is written leaves of the one that was there: the cursors of others."""

from typing import Any

import pytest

from oneup_pinterest.sync.writer import _with_others


def entry(account: str, day: int, preset: str | None = None) -> dict[str, Any]:
    partition = {"social_network_id": account, "parent_slice": {}} | ({"preset": preset} if preset else {})
    return {"partition": partition, "cursor": {"period_end": f"2026-05-{day:02}"}}


def state(*entries: Any) -> dict[str, Any]:
    return {"use_global_cursor": False, "states": list(entries)}


def test_accounts_that_the_new_state_lacks_keep_their_cursors() -> None:
    written = _with_others(state(entry("b", 20)), state(entry("a", 19), entry("b", 18)))
    assert written == state(entry("b", 20), entry("a", 19))


def test_another_preset_of_an_account_keeps_its_cursor_and_one_without_a_preset_is_replaced() -> None:
    before = state(entry("a", 1), entry("a", 2, "last_7_days"), entry("a", 3, "last_30_days"))
    assert _with_others(state(entry("a", 9, "last_30_days")), before) == state(
        entry("a", 9, "last_30_days"), entry("a", 2, "last_7_days")
    )


@pytest.mark.parametrize("odd", [None, 7, "x", {}, {"partition": {"social_network_id": "c"}}, {"cursor": 1}])
def test_what_is_no_entry_of_a_state_is_not_carried_on(odd: Any) -> None:
    assert _with_others(state(entry("b", 20)), state(odd)) == state(entry("b", 20))


def test_a_state_without_entries_is_written_as_it_is() -> None:
    assert _with_others({"done": True}, {}) == {"done": True}
    assert _with_others({"states": []}, state(entry("a", 1))) == {"states": [entry("a", 1)]}
