"""What several workers of one test run need, built by the first of them that asks."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS = 300  # that a worker waits for another


def once_per_run(tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder `name` of this run, which `build` has filled; only the first caller in any worker builds it.

    Raises:
        RuntimeError: another worker's build failed or took too long.
    """
    own = tmp_path_factory.getbasetemp()
    run = own.parent if own.name.startswith("popen-") else own  # each xdist worker has a folder in that of the run
    folder, built, failed = run / name, run / f"{name}.built", run / f"{name}.failed"
    try:
        folder.mkdir()
    except FileExistsError:
        give_up = time.monotonic() + SECONDS
        while not built.exists():
            if failed.exists() or time.monotonic() > give_up:
                raise RuntimeError(f"another worker did not build {folder}") from None
            time.sleep(0.05)
        return folder
    try:
        build(folder)
    except BaseException:
        failed.touch()
        raise
    built.touch()
    return folder
