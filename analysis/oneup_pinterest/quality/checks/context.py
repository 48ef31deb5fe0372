"""What the checks look at, and what each of them tells."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from oneup_pinterest.database.listings import Missing
from oneup_pinterest.database.renames import Rename
from oneup_pinterest.database.replaced_values import Merged, Replaced
from oneup_pinterest.database.sources import Table
from oneup_pinterest.database.views import ImpossibleDays, Unreadable
from oneup_pinterest.history.loaded_history import LoadedHistory

KEPT_DAYS = 90  # Pinterest keeps so many
# If an assumption held, or did not, in only half of the cases, seven in a row one way come once in 128
ENOUGH = 7
NEARLY_ALL = 0.95
LEAST_IMPRESSIONS = 20  # two pins have the same few by chance
AGREES_WITHIN = 0.01  # a sync takes a moment, in which counters move
Finding = dict[str, Any]


class CheckContext(NamedTuple):
    """What the checks look at: frames as the `load_*` functions return them (of pins only the columns that checks look
    at), the present time in UTC, the tables of the file, what of them is left out, and what the file's path once did to
    them (none: not looked up)."""

    history: LoadedHistory
    runs: pl.DataFrame
    last_sync: datetime | None
    now: datetime
    tables: Sequence[Table] = ()
    unreadable: Sequence[Unreadable] = ()
    impossible: Sequence[ImpossibleDays] = ()
    replaced: Sequence[Replaced] = ()
    merged: Sequence[Merged] = ()
    missing: Sequence[Missing] | None = None  # accounts that no key lists any more; None where the file does not say
    renames: Sequence[Rename] = ()

    @property
    def pins(self) -> pl.DataFrame:
        """The pins of the history."""
        return self.history.pins

    @property
    def followers(self) -> pl.DataFrame:
        """The followers of the history."""
        return self.history.followers

    @property
    def accounts(self) -> pl.DataFrame:
        """The accounts of the history."""
        return self.history.accounts

    @property
    def overview(self) -> pl.DataFrame:
        """The overview of the history."""
        return self.history.overview

    @property
    def totals(self) -> pl.DataFrame:
        """The totals beside the pins of the history."""
        return self.history.pin_totals

    def is_cut(self, relation: str, *, day_may_be_wrong: bool = True) -> bool:
        """Whether rows of a relation are left out because their key cannot be read, or their day cannot be."""
        places = [f"{table.place}." for table in self.tables if table.relation == relation]
        unreadable = any(found.is_key and found.column.startswith(tuple(places)) for found in self.unreadable)
        return unreadable or (day_may_be_wrong and any(found.relation == relation for found in self.impossible))

    def of(self, history: LoadedHistory) -> "CheckContext":
        """Return the same file with another history, such as that of one account."""
        return self._replace(history=history)


Check = Callable[[CheckContext], Iterator[Finding]]


def finding_of(check: str, severity: str, where: str, since: Any, what: str, what_to_do: str) -> Finding:
    """A finding as `oneup_pinterest.quality.findings.findings` describes it; `since` is a date or None."""
    return {
        "check": check,
        "severity": severity,
        "where": where,
        "since": since.isoformat() if since else None,
        "what": what,
        "what_to_do": what_to_do,
    }


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "pin"), counted(2000, "pin")
    ('1 pin', '2,000 pins')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def in_brackets(name: pl.Expr) -> pl.Expr:
    """A name to be put behind what it belongs to; nothing where it is unknown.

    >>> pl.select(in_brackets(pl.lit("last_7_days"))).item()
    ' (last_7_days)'
    """
    return pl.when(name.is_null()).then(pl.lit("")).otherwise(pl.format(" ({})", name))


def listed(names: list[str]) -> str:
    """Names as people say them.

    >>> listed(["saves", "repins", "clicks"])
    'saves, repins and clicks'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
