"""The older version of DuckDB that is supported too."""

import os

import pytest

from test_support.paths import ROOT

OLD_DUCKDB = ROOT / ".duckdb15"  # `make test` installs it there, from requirements-duckdb15.lock
WITH_OLD_DUCKDB = {"PYTHONPATH": os.pathsep.join([str(OLD_DUCKDB), str(ROOT)])}  # the environment of a process

requires_old_duckdb = pytest.mark.skipif(
    not OLD_DUCKDB.exists(), reason="DuckDB 1.5 is not installed in .duckdb15; `make test` installs it"
)
