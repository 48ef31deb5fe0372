"""Compare the summary of a sync with the dropped data: everything dropped is counted, and nothing else."""

import re
from collections import Counter

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.sync import SyncResult

MAX_WARNINGS = 60

WARNINGS = {
    r"Left out (\d+) rows that are not objects from (\w+), for example .{1,60}\.": "no objects",
    r"Dropped (\d+) records of (\w+) without a key\.": "no key",
    r"Dropped (\d+) records of (\w+) with the same key as another one\.": "duplicate",
    r"Left out (\d+) entries that are in none of the lists from (\w+), for example .{1,60}\.": "in no list",
    r"Left out (\d+) rankings that are not lists from (\w+), for example .{1,60}\.": "no lists",
    r"Left out (\d+) rows without a `social_network_type` from (\w+), for example .{1,60}\.": "no type",
    r"Left out (\d+) Pinterest accounts without an id from (\w+), for example .{1,60}\.": "no id",
    r"Left out (\d+) rows of accounts that are listed twice from (\w+), for example .{1,60}\.": "duplicate",
    r"(\d+) values of `timestamp` in (pins) are not valid times and .{1,300}\.": "unreadable timestamp",
}
KEPT = re.compile(r"Kept (\d+) known values? of `([\w ]+)` in (\w+) where the response had none\.")
NO_ACCOUNT = "OneUp lists no Pinterest account for this key any more, "
VALUES = re.compile(r"(\d+) values of `([\w ]+)` in (\w+) are [a-z ]+ and were left empty, for example .{1,60}\.")


def find_miscounts(result: SyncResult, expected: Counter[tuple[str, str]]) -> list[str]:
    """Return where the summary does not count dropped data, or counts data that was not dropped."""
    counted: Counter[tuple[str, str]] = Counter()
    problems = []
    for warning in result.warnings:
        if warning.startswith(NO_ACCOUNT):  # of an empty list; the caller checks which accounts were read
            continue
        for form, what in WARNINGS.items():
            if match := re.fullmatch(form, warning):
                counted[match[2], what] += int(match[1])
                break
        else:
            if match := VALUES.fullmatch(warning):
                counted[match[3], match[2]] += int(match[1])
            elif match := KEPT.fullmatch(warning):
                if match[2] in TABLES[match[3]].columns:  # undeclared columns exist only if a batch has them
                    counted[match[3], f"kept {match[2]}"] += int(match[1])
            else:
                problems.append(f"the summary says {warning!r}")
    lines = len(set(result.warnings))
    if lines != len(result.warnings) or lines > MAX_WARNINGS:
        problems.append(f"the summary has {len(result.warnings)} lines of warnings, {lines} of them different")
    for thing in counted.keys() | expected.keys():
        if counted[thing] != expected[thing]:
            problems.append(f"{' '.join(thing)}: {expected[thing]} were dropped, the summary counts {counted[thing]}")
    return problems
