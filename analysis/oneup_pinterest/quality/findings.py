"""What the checks of data quality report: findings, their order, and their grouping over accounts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import polars as pl

SEVERITIES = ("error", "warning", "info")
ALL_ACCOUNTS = "all"
MAX_ACCOUNTS_NAMED = 3  # more are counted


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One problem, or one fact that people should know before they trust a figure.

    Attributes:
        check: Name of the check.
        severity: `error` (figures are wrong or missing), `warning` (some may be) or `info`.
        where: A `social_network_id`, or `all`.
        since: The first day that it concerns; None where it has no day.
        what: What is wrong, in one or two sentences.
        what_to_do: What to do about it.
    """

    check: str
    severity: str
    what: str
    what_to_do: str
    where: str = ALL_ACCOUNTS
    since: date | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON values, as `oneup-pinterest status --json` prints it.

        >>> Finding(check="gap", severity="info", what="No sync.", what_to_do="Sync.").as_json()["where"]
        'all'
        """
        return {
            "check": self.check,
            "severity": self.severity,
            "where": self.where,
            "since": self.since.isoformat() if self.since else None,
            "what": self.what,
            "what_to_do": self.what_to_do,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the finding that `as_json` returned these values of.

        >>> gap = Finding(check="gap", severity="info", what="No sync.", what_to_do="Sync.", since=date(2026, 3, 1))
        >>> Finding.from_json(gap.as_json()) == gap
        True
        """
        return cls(**{**values, "since": values["since"] and date.fromisoformat(values["since"])})


def sort_by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with errors first; findings of the same severity keep their order.

    >>> levels = [Finding(check="x", severity=severity, what="", what_to_do="") for severity in ("info", "error")]
    >>> [finding.severity for finding in sort_by_severity(levels)]
    ['error', 'info']
    """
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def findings_frame(findings: Sequence[Finding]) -> pl.DataFrame:
    """Return findings as a frame with one row per finding, in their order.

    Columns: check, severity, where, since (a date), what, what_to_do.

    >>> findings_frame([]).columns
    ['check', 'severity', 'where', 'since', 'what', 'what_to_do']
    """
    names = ("check", "severity", "where", "since", "what", "what_to_do")
    schema = {name: pl.Date() if name == "since" else pl.String() for name in names}
    return pl.DataFrame([{name: getattr(finding, name) for name in names} for finding in findings], schema=schema)


def group_over_accounts(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with one in place of those that concern more than three accounts.

    Findings of one check and one severity are merged. The merged finding has `all` as `where`, the earliest `since`,
    and a `what` that counts the accounts and quotes the first one.

    >>> gaps = [Finding(check="gap", severity="warning", what="2 of 9 days.", what_to_do="Sync.", where=f"pin_{number}")
    ...     for number in range(300)]
    >>> [finding.what for finding in group_over_accounts(gaps)]
    ['In 300 accounts (pin_0, pin_1, pin_2 and others). In pin_0: 2 of 9 days.']
    """
    by_check: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_check.setdefault((finding.check, finding.severity), []).append(finding)
    grouped: list[Finding] = []
    for group in by_check.values():
        accounts = list(dict.fromkeys(finding.where for finding in group if finding.where != ALL_ACCOUNTS))
        if len(accounts) <= MAX_ACCOUNTS_NAMED:
            grouped += group
            continue
        first = next(finding for finding in group if finding.where == accounts[0])
        named = ", ".join(accounts[:MAX_ACCOUNTS_NAMED])
        grouped.append(
            replace(
                first,
                where=ALL_ACCOUNTS,
                since=min((finding.since for finding in group if finding.since), default=None),
                what=f"In {len(accounts):,} accounts ({named} and others). In {accounts[0]}: {first.what}",
            )
        )
        grouped += [finding for finding in group if finding.where == ALL_ACCOUNTS]
    return grouped
