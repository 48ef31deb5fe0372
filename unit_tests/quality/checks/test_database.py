"""The checks of tables find duplicate keys."""

from unit_tests.quality.contexts import context_of, find_by_check, pin


def test_duplicate_keys_are_found() -> None:
    assert find_by_check(context_of([pin(1, 0), pin(1, 0)]))["duplicate_keys"].severity == "error"
    assert "duplicate_keys" not in find_by_check(context_of([pin(1, 0), pin(1, 1)]))
