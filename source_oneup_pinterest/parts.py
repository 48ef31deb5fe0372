"""Read the newest windows of every stream first, then the history of a few accounts at a time."""

from collections.abc import Collection, Iterator, Mapping

from airbyte_cdk.models import AirbyteMessage, AirbyteStreamStatus

from source_oneup_pinterest.components.state import StreamPlan
from source_oneup_pinterest.components.sync_context import ReadPart

NEWEST_WINDOWS = ReadPart(newest=True, history=frozenset())
MIN_WINDOWS = 1_000  # of a part with history: nine accounts and a year, or about five minutes of requests
MAX_PARTS = 50  # every part ends with a state of all accounts, and begins with idle workers


def history_parts(plans: Mapping[str, StreamPlan]) -> Iterator[ReadPart]:
    """Yield parts that together read the history of all accounts, each account in one part for all streams.

    >>> plans = {"pins": StreamPlan(history={"a": 999, "b": 2, "c": 3}), "pin_totals": StreamPlan(history={"a": 0})}
    >>> [sorted(part.history) for part in history_parts(plans)]
    [['a', 'b'], ['c']]
    """
    windows: dict[str, int] = {}
    for plan in plans.values():
        for account, count in plan.history.items():
            windows[account] = windows.get(account, 0) + count
    size = max(MIN_WINDOWS, sum(windows.values()) / MAX_PARTS)
    accounts, total = list[str](), 0
    for account, count in windows.items():
        accounts.append(account)
        total += count
        if total >= size:
            yield ReadPart(newest=False, history=frozenset(accounts))
            accounts, total = [], 0
    if accounts:
        yield ReadPart(newest=False, history=frozenset(accounts))


class StreamStatuses:
    """Report each status of a stream once, although it is read in parts, and the final one after its last part."""

    def __init__(self) -> None:
        self._reported: set[tuple[str, AirbyteStreamStatus]] = set()
        self._incomplete: set[str] = set()

    def is_due(self, message: AirbyteMessage, plans: Mapping[str, StreamPlan], read_history: Collection[str]) -> bool:
        """Return whether to report a message now; the history of `read_history` is in this part or an earlier one."""
        status = message.trace.stream_status if message.trace else None
        if status is None:
            return True
        name = status.stream_descriptor.name
        if status.status not in (AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE):
            is_new = (name, status.status) not in self._reported
            self._reported.add((name, status.status))
            return is_new
        if status.status == AirbyteStreamStatus.INCOMPLETE:
            self._incomplete.add(name)
        elif name in self._incomplete:  # it failed in an earlier part
            status.status = AirbyteStreamStatus.INCOMPLETE
        return name not in plans or set(read_history).issuperset(plans[name].history)
