"""Report the progress of a sync: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO, cast

from oneup_pinterest.console import GoesOnWriter, print_message
from oneup_pinterest.formatting import format_count

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from source_oneup_pinterest.source import ProgressSnapshot

REQUESTS_PER_ACCOUNT = 2  # that its newest figures take


class Progress:
    """Report nothing; the base class, and a context manager that ends the report."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def watch(self, snapshot: Callable[[], "ProgressSnapshot"]) -> None:
        """Start to report what `snapshot` returns from now on; it is called from another thread."""

    def update(self, streams: Mapping[str, Mapping[str, int]]) -> None:
        """Report that records were read."""

    def finished(self, stream: str, records: int) -> None:
        """Report that a stream was read to its end."""

    def close(self) -> None:
        """End the report."""


class PlainProgress(Progress):
    """Print one line per finished stream that had records."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self.out = out

    def finished(self, stream: str, records: int) -> None:
        if records:
            print_message(f"{stream}: {format_count(records, 'record')}", out=self.out)


class TerminalProgress(PlainProgress):
    """Show a bar with the accounts, requests and time left, below the lines of `PlainProgress`."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        super().__init__(out)
        self._bar: Any = None
        self._records = 0

    def watch(self, snapshot: Callable[[], "ProgressSnapshot"]) -> None:
        self._bar = _bar_of(self.out, snapshot, lambda: self._records)
        self._bar.start()

    def update(self, streams: Mapping[str, Mapping[str, int]]) -> None:
        self._records = sum(counts["records"] for counts in streams.values())
        if self._bar is None:  # a load, which knows no end
            self._bar = _bar_of(self.out, None, lambda: self._records)
            self._bar.start()

    def finished(self, stream: str, records: int) -> None:
        if records and self._bar is not None:
            self._bar.console.print(f"{stream}: {format_count(records, 'record')}", highlight=False)
        else:
            super().finished(stream, records)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _bar_of(out: TextIO, snapshot: "Callable[[], ProgressSnapshot] | None", records: Callable[[], int]) -> Any:
    """Return a Rich bar that asks `snapshot` and `records` at each refresh; Rich is imported only here."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    class Bar(Progress):
        """A bar that follows a snapshot, in Rich's own thread."""

        def get_renderables(self) -> Iterable[Any]:
            now = snapshot() if snapshot else None
            for task in self.task_ids:  # the one below; there is none while the bar is made
                done, total = _done(now) if now else (0, 0)
                self.update(task, total=total or None, completed=done, description=progress_text(now, records()))
            yield from super().get_renderables()

    columns: list[str | ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}")]
    if snapshot:
        columns += [BarColumn(bar_width=20), TimeRemainingColumn(compact=True)]
    console = Console(file=cast(TextIO, GoesOnWriter(out)), highlight=False)
    bar = Bar(*columns, console=console, transient=True, refresh_per_second=4, redirect_stdout=False)
    bar.add_task("")
    return bar


def _done(now: "ProgressSnapshot") -> tuple[int, int]:
    """Return what is done, and of how much: first in requests, as windows are still being planned, then in windows."""
    if now.newest == now.accounts:
        return now.closed, now.windows
    needed = REQUESTS_PER_ACCOUNT * now.accounts
    return min(now.requests, needed), needed


def progress_text(now: "ProgressSnapshot | None", records: int) -> str:
    """Return what the line before the bar says."""
    if now is None:
        return format_count(records, "record")
    requests = format_count(now.requests, "request")
    if not now.accounts:
        return f"asking OneUp for the accounts, {requests}"
    if now.newest < now.accounts:
        phase = f"newest figures of {format_count(now.accounts, 'account')}"
    else:
        phase = f"all figures of {now.complete:,} of {format_count(now.accounts, 'account')}"
    wait = f", waiting for the limit of {now.max_requests_per_minute:,} a minute" if now.waiting else ""
    return f"{phase}, {requests}, {format_count(records, 'record')}{wait}"


def progress_for(out: TextIO, is_silent: bool = False) -> Progress:
    """Return the progress report for a stream: a bar on a terminal, plain lines elsewhere, or nothing."""
    if is_silent:
        return Progress()
    return TerminalProgress(out) if out.isatty() else PlainProgress(out)
