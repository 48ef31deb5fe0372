"""Every test session: a quick start, the longest tests first, and no search for garbage in what was imported."""

import gc

import pytest

from source_oneup_pinterest.start import start_quickly

start_quickly()  # before a test module imports airbyte_cdk: as our commands, and seconds faster in every worker

# The modules of the longest tests. If one of these began last, the other workers would wait for it.
LONGEST_FIRST = (
    "test_jupyterlab.py",
    "test_piped.py",
    "test_report_in_browser.py",
    "test_kills.py",
    "test_disks.py",
    "test_faults.py",
    "test_standard.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests."""
    rank = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


def pytest_collection_finish() -> None:
    """Keep the thousands of imported modules out of every later search for garbage."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let the interpreter clean up as ever when it ends."""
    gc.unfreeze()
