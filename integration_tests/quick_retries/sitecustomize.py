"""Makes a process's waits short, so that tests of real processes need not wait out real backoffs.

NOTED_WAITS: a file to which each wait between attempts that was asked for is appended.
QUICK_TIMEOUTS: seconds to connect, to wait for bytes and to have a whole answer, in place of the connector's.
"""

import os
import sys
import time
from pathlib import Path

_sleep = time.sleep


def _nap(seconds: float) -> None:
    noted = os.environ.get("NOTED_WAITS")
    if noted and sys._getframe(1).f_globals["__name__"].startswith(("airbyte_cdk", "backoff")):
        with Path(noted).open("a") as file:
            file.write(f"{seconds}\n")
    _sleep(min(seconds, 0.01))


time.sleep = _nap

if limits := os.environ.get("QUICK_TIMEOUTS"):
    from source_oneup_pinterest.start import start_quickly

    start_quickly()
    from requests.adapters import HTTPAdapter

    from source_oneup_pinterest.components import limits as response_limits

    connect, read, response_limits.MAX_SECONDS = map(float, limits.split(","))
    _send = HTTPAdapter.send
    HTTPAdapter.send = lambda self, request, **options: _send(self, request, **options | {"timeout": (connect, read)})
