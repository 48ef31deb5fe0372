"""Helpers for tests of several accounts or keys in one file: a short history, its cursors and its findings."""

import json
import re
from pathlib import Path
from typing import Any

from integration_tests.databases import rows
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.sandbox import Sandbox

KEY_B = "kQ7vLm2xRt9pYc4bNd8sWf3hJg6z"
START = {"start_date": "2026-05-01"}  # a short history is enough and fast
KNOTS = "pin_sandbox_knots_by_noor"
KNOTS_IS_MISSING = (
    "OneUp has not listed @knots_by_noor (pin_sandbox_knots_by_noor) since 21 May 2026: it is no longer read, and its "
    "history is kept."
)
RECONNECT = "Connect it again in OneUp, unless you removed it on purpose."


def config_of(sandbox: Sandbox) -> dict[str, Any]:
    return {**sandbox.config(), **START}


def cursors(database: Path, stream: str = "pins") -> dict[str, str]:
    """Return the cursor of each account."""
    ((state,),) = rows(database, f"SELECT state FROM _airbyte_state WHERE stream_name = '{stream}'")
    return {
        entry["partition"]["social_network_id"]: next(iter(entry["cursor"].values()))[:10]
        for entry in json.loads(state)["states"]
    }


def findings(database: Path, *checks: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the findings of some checks by check and account."""
    wanted = checks or ("missing_account", "unlisted_account", "renamed_account")
    return {(it["check"], it["where"]): it for it in read_status(database)["findings"] if it["check"] in wanted}


def page_text(page: Path) -> str:
    """Return the text of a report without its tags."""
    return " ".join(re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8")).split())
