"""Syncs every stream into a DuckDB file: python pyairbyte_sync.py CONFIG.json DATABASE.duckdb [--full-refresh]."""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("DO_NOT_TRACK", "1")  # PyAirbyte tells its makers about each run otherwise
os.environ.setdefault("AIRBYTE_OFFLINE_MODE", "1")  # the connector is in no registry, so none need be asked

import airbyte as ab
from airbyte.caches import DuckDBCache

config, database, *options = sys.argv[1:]
source = ab.get_source(
    "source-oneup-pinterest",
    config=json.loads(Path(config).read_text(encoding="utf-8")),
    streams="*",
    # installed in an environment of its own; `source_manifest=` would do too, but reads all of history each time
    local_executable=os.environ.get("SOURCE_ONEUP_PINTEREST", "source-oneup-pinterest"),
)
source.check()
cache = DuckDBCache(db_path=database, schema_name="oneup")
result = source.read(cache=cache, force_full_refresh="--full-refresh" in options)
print(json.dumps({"processed_records": result.processed_records}))
