"""Folders that several workers of a test run share, built by the first worker that needs one."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

MAX_WAIT_SECONDS = 300  # for the build of another worker


def once_per_run(tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder `name` of this run; only the first caller in any worker fills it with `build`.

    Raises:
        RuntimeError: another worker's build failed or took too long.
    """
    own = tmp_path_factory.getbasetemp()
    # xdist workers have folders inside the folder of the run
    run = own.parent if own.name.startswith("popen-") else own
    folder, built, failed = run / name, run / f"{name}.built", run / f"{name}.failed"
    try:
        folder.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while not built.exists():
            if failed.exists() or time.monotonic() > deadline:
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
