"""Makes a process's waits short, so that tests of real processes need not wait out real backoffs."""

import time

_sleep = time.sleep
time.sleep = lambda seconds: _sleep(min(seconds, 0.01))
