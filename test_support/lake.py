"""The packages of the extra `lake`, which need one version of DuckDB exactly."""

import os

import pytest

from test_support.paths import ROOT

LAKE = ROOT / ".lake"  # `make test` installs it there, from requirements-lake.lock
WITH_LAKE = {"PYTHONPATH": os.pathsep.join([str(LAKE), str(ROOT)])}  # the environment of a process

requires_lake = pytest.mark.skipif(
    not LAKE.exists(), reason="the packages of a lake are not installed in .lake; `make test` installs them"
)
