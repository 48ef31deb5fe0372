"""The progress of a sync: what its line says, a bar on a terminal, and plain lines elsewhere."""

import io
import time

import pytest

from oneup_pinterest.sync.progress import PlainProgress, TerminalProgress, progress_for, progress_text
from source_oneup_pinterest.source import ProgressSnapshot

START = ProgressSnapshot(0, 0, 0, 0, 0, 0, 0, 120)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"requests": 1}, "asking OneUp for the accounts, 1 request"),
        (
            {"accounts": 500, "newest": 20, "requests": 41},
            "newest figures of 500 accounts, 41 requests, 9 records",
        ),
        (
            {"accounts": 500, "newest": 500, "complete": 7, "requests": 1210, "waiting": 3},
            "all figures of 7 of 500 accounts, 1,210 requests, 9 records, waiting for the limit of 120 a minute",
        ),
    ],
)
def test_line_says_what_is_read_and_what_it_waits_for(values: dict[str, int], text: str) -> None:
    assert progress_text(START._replace(**values), 9) == text


def test_line_of_a_load_counts_records() -> None:
    assert progress_text(None, 1234) == "1,234 records"


def test_bar_follows_the_connector_while_no_record_comes() -> None:
    out, shown = Terminal(), [START._replace(accounts=4, newest=1, windows=8, closed=2, requests=3)]
    with TerminalProgress(out) as progress:
        progress.watch(lambda: shown[-1])
        wait_for(out, "newest figures of 4 accounts, 3 requests")
        shown.append(shown[0]._replace(newest=3, closed=6, requests=7))
        wait_for(out, "newest figures of 4 accounts, 7 requests")
        progress.finished("pins", 12)
    assert "pins: 12 records" in out.getvalue()


def test_a_closed_terminal_does_not_stop_a_sync() -> None:
    class Closed(Terminal):
        def write(self, text: str) -> int:
            raise OSError("Input/output error")

    with TerminalProgress(Closed()) as progress:
        progress.watch(lambda: START)
        progress.finished("pins", 12)


def wait_for(out: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in out.getvalue() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert text in out.getvalue()


def test_elsewhere_a_line_is_printed_per_stream_with_records() -> None:
    out = io.StringIO()
    with progress_for(out) as progress:
        progress.watch(lambda: START)
        progress.update({"pins": {"records": 5}})
        progress.finished("pins", 5)
        progress.finished("account_followers", 1)
        progress.finished("accounts", 0)
    assert isinstance(progress, PlainProgress)
    assert out.getvalue() == "pins: 5 records\naccount_followers: 1 record\n"


def test_nothing_is_printed_when_quiet() -> None:
    out = Terminal()
    with progress_for(out, is_silent=True) as progress:
        progress.finished("pins", 5)
    assert out.getvalue() == ""
