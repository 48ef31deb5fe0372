"""Run the checks of data quality over a database or over one account."""

from collections.abc import Sequence

from oneup_pinterest.quality.checks.accounts import (
    find_lost_connections,
    find_missing_accounts,
    find_renamed_accounts,
    find_unlisted_accounts,
)
from oneup_pinterest.quality.checks.api_windows import find_differing_sums, find_missing_pins, find_possible_cap
from oneup_pinterest.quality.checks.context import Check, CheckContext
from oneup_pinterest.quality.checks.counters import (
    find_dropped_counters,
    find_falling_counters,
    find_impossible_counters,
    find_reverted_counters,
    find_unconfirmed_gains,
)
from oneup_pinterest.quality.checks.database import (
    find_duplicate_keys,
    find_impossible_days,
    find_path_values,
    find_schema_drift,
    find_unread_tables,
    find_unreadable_values,
)
from oneup_pinterest.quality.checks.duplicate_images import find_duplicate_images
from oneup_pinterest.quality.checks.overview import find_differing_posts, find_expired_periods
from oneup_pinterest.quality.checks.runs import find_runs_ahead_of_clock, find_stale_data, find_unfinished_runs
from oneup_pinterest.quality.checks.snapshots import (
    find_implausible_zeros,
    find_missing_days,
    find_time_zone_changes,
    find_undated_pins,
)
from oneup_pinterest.quality.findings import Finding, sort_by_severity

DATABASE_CHECKS: tuple[Check, ...] = (
    find_stale_data,
    find_unfinished_runs,
    find_unreadable_values,
    find_impossible_days,
    find_runs_ahead_of_clock,
    find_missing_accounts,
    find_unlisted_accounts,
    find_renamed_accounts,
    find_unread_tables,
    find_path_values,
    find_duplicate_keys,
    find_differing_sums,
    find_schema_drift,
    # each reports one account, but other accounts may contradict it
    find_possible_cap,
    find_missing_pins,
    find_expired_periods,
)
ACCOUNT_CHECKS: tuple[Check, ...] = (  # each looks at one account at a time
    find_lost_connections,
    find_missing_days,
    find_time_zone_changes,
    find_implausible_zeros,
    find_falling_counters,
    find_impossible_counters,
    find_unconfirmed_gains,
    find_reverted_counters,
    find_dropped_counters,
    find_differing_posts,
    find_duplicate_images,
    find_undated_pins,
)
ALL_CHECKS = (*DATABASE_CHECKS, *ACCOUNT_CHECKS)


def find_problems(context: CheckContext, checks: Sequence[Check] = ALL_CHECKS) -> list[Finding]:
    """Return what the checks find, errors first.

    >>> import duckdb, tempfile
    >>> from oneup_pinterest.quality.checks.context import load_check_context
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> [finding.check for finding in find_problems(load_check_context(database))]
    ['missing_columns']
    """
    return sort_by_severity(finding for check in checks for finding in check(context))
