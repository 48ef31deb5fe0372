"""The tools of schedulers that tests ask for."""

import os
import shutil

import pytest

REQUIRED = "ONEUP_PINTEREST_REQUIRE_TOOLS"  # set in CI, where a missing tool is a failure


def require(tool: str, package: str) -> str:
    """Return the path of a tool; without it skip the test, or fail it if tools are required."""
    path = shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/systemd")
    if path is None:
        reason = f"{tool} is not installed (apt-get install {package})"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{reason}, and {REQUIRED} is set")
        pytest.skip(reason)
    return path
