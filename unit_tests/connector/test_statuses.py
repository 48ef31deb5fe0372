"""Every HTTP status has a rule."""

import pytest

from source_oneup_pinterest.components.statuses import CONFIG, FAIL, RATE_LIMITED, RETRY, SYSTEM, TRANSIENT, status_rule


def test_every_status_has_a_rule() -> None:
    for status in range(100, 1000):
        rule = status_rule(status)
        assert "({status})" in rule.sentence
        assert (rule.action == FAIL) == (rule.failure_type != TRANSIENT)


@pytest.mark.parametrize(
    ("statuses", "action", "failure_type"),
    [
        ([103, 204], RETRY, TRANSIENT),
        ([301, 302, 399], FAIL, CONFIG),
        ([401, 402, 403, 404], FAIL, CONFIG),
        ([400, 405, 422, 499], FAIL, SYSTEM),
        ([408, 500, 503, 999], RETRY, TRANSIENT),
        ([429], RATE_LIMITED, TRANSIENT),
    ],
)
def test_status_has_the_expected_rule(statuses: list[int], action: object, failure_type: object) -> None:
    for status in statuses:
        rule = status_rule(status)
        assert (rule.action, rule.failure_type) == (action, failure_type)


def test_not_found_message_differs_for_the_account_list() -> None:
    assert "accounts_url" in status_rule(404, is_account_list=True).sentence
    assert "accounts_url" not in status_rule(404).sentence
    assert status_rule(401, is_account_list=True) == status_rule(401)
