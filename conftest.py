"""Every test session: what our own commands do at their start, and no search for garbage in what was imported."""

import gc

from source_oneup_pinterest.start import start_quickly

start_quickly()  # before a test module imports airbyte_cdk: as our commands, and seconds faster in every worker


def pytest_collection_finish() -> None:
    """Keep the thousands of imported modules out of every later search for garbage."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let the interpreter clean up as ever when it ends."""
    gc.unfreeze()
