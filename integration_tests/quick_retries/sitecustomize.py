"""Shorten the waits of a process, so that tests of real processes need not wait for real backoffs.

RECORDED_WAITS: a file to which the seconds of each requested wait between attempts are appended.
QUICK_TIMEOUTS: seconds to connect, to wait for bytes and for a whole response, instead of the connector's.
"""

import os
import sys
import time
from pathlib import Path

_sleep = time.sleep


def _short_sleep(seconds: float) -> None:
    record = os.environ.get("RECORDED_WAITS")
    if record and sys._getframe(1).f_globals["__name__"].startswith(("airbyte_cdk", "backoff")):
        with Path(record).open("a") as file:
            file.write(f"{seconds}\n")
    _sleep(min(seconds, 0.01))


time.sleep = _short_sleep

if limits := os.environ.get("QUICK_TIMEOUTS"):
    from source_oneup_pinterest.start import start_quickly

    start_quickly()
    from requests.adapters import HTTPAdapter

    from source_oneup_pinterest.components import limits as response_limits

    connect, read, response_limits.MAX_SECONDS = map(float, limits.split(","))
    _send = HTTPAdapter.send
    HTTPAdapter.send = lambda self, request, **options: _send(self, request, **options | {"timeout": (connect, read)})
