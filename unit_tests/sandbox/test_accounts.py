"""Made-up accounts have distinct ids."""

from datetime import date

from oneup_pinterest.sandbox.accounts import create_accounts


def test_a_thousand_accounts_have_distinct_ids() -> None:
    accounts = create_accounts(7, 1000, date(2026, 5, 20))
    assert len({account.social_network_id for account in accounts}) == 1000
    assert create_accounts(7, 0, date(2026, 5, 20)) == []
