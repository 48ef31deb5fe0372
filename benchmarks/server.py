"""A OneUp API that sends prepared responses, in its own process, so that its cost is negligible.

python -m benchmarks.server [--pins 66698] [--accounts 20] [--latency 0]
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple, Self

import requests

from oneup_pinterest.sandbox.http_server import Response, Server

COUNTERS = ("impressions", "saves", "comments", "repins", "clicks")
TOPICS = (
    "a garden in spring",
    "the smallest kitchen",
    "knitting without a pattern",
    "bread, the slow way",
    "a quiet room",
)
RANKINGS = ("most_engaging", "least_engaging", "most_views", "least_views", "most_repinned", "least_repinned")


class LoggedRequest(NamedTuple):
    """A request: its path, and when it arrived and was answered (seconds)."""

    path: str
    started: float
    ended: float


class PreparedResponses:
    """Responses with `pins` pins in `accounts` accounts, the same for every window; logs all requests."""

    def __init__(self, pins: int, accounts: int, latency: float) -> None:
        self.latency = latency
        self._lock = Lock()
        self._requests: list[LoggedRequest] = []
        names = [f"pin_account_{n}" for n in range(accounts)]
        self._bodies = {"/api/listsocialaccounts": _json(account_list(names))}
        for n, name in enumerate(names):
            first = pins * n // accounts
            self._bodies[f"/api/pinterest/posts {name}"] = _json(posts(first, pins * (n + 1) // accounts))
            self._bodies[f"/api/pinterest/overview {name}"] = _json(overview(n))

    def respond(self, path: str, params: Mapping[str, str], accept: str) -> Response:
        """Return the response to an API request."""
        started = time.time()
        if self.latency:
            time.sleep(self.latency)
        body = self._bodies[f"{path} {params['social_network_id']}" if "social_network_id" in params else path]
        with self._lock:
            self._requests.append(LoggedRequest(path, started, time.time()))
        return Response(200, body)

    def control(self, method: str, path: str, body: bytes) -> Response:
        """Return every request since the last call."""
        with self._lock:
            logged_requests, self._requests = self._requests, []
        return Response.of_json(logged_requests)


class Api:
    """The server as a process, which ends with the `with` block."""

    def __init__(self, pins: int, accounts: int, latency: float = 0.0) -> None:
        self.accounts = accounts
        arguments = ("--pins", pins, "--accounts", accounts, "--latency", latency)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def config(self, **settings: Any) -> dict[str, Any]:
        """Return a config for the connector, with a very high limit of requests unless `settings` changes it."""
        urls = {"analytics_url": f"{self.url}/api", "accounts_url": f"{self.url}/api"}
        return {"api_key": "benchmark", **urls, "max_requests_per_minute": 1_000_000, **settings}

    def logged_requests(self) -> list[LoggedRequest]:
        """Return every request since the last call."""
        return [LoggedRequest(*request) for request in requests.get(f"{self.url}/_sandbox/asked", timeout=60).json()]


def account_list(names: Sequence[str]) -> dict[str, Any]:
    """Return the response that lists the accounts."""
    common = {
        "full_name": "A made-up account",
        "social_network_type": "Pinterest",
        "is_expired": 0,
        "need_refresh": False,
    }
    return {"message": "OK", "error": False, "data": [{"username": n, "social_account_id": n, **common} for n in names]}


def overview(seed: int) -> dict[str, Any]:
    """Return an overview with metrics, followers and six lists of three posts."""
    entry = {
        "id": "1",
        "text": "A made-up pin",
        "permalink": "https://www.pinterest.com/pin/1/",
        "engagement_rate": 1.5,
    }
    performance = {name: [{**entry, "id": str(n)} for n in range(3)] for name in RANKINGS}
    data = {"metrics": metrics(seed), "total_followers": 1000 + seed, "post_performance": performance}
    return {"success": True, "data": data}


def posts(first: int, end: int) -> dict[str, Any]:
    """Return pins `first` to `end` with totals; texts, URLs and counters are as long as real ones."""
    rng = random.Random(first)
    newest = datetime.combine(datetime.now(UTC).date(), datetime.min.time()) - timedelta(hours=1)
    pins = []
    for n in range(first, end):
        identifier = str(10**17 + n * 7_919)
        pins.append(
            {
                "id": identifier,
                "page_id": "pinterest_account_232645057",
                "format": "image",
                "text": f"{rng.randrange(100)} ideas for {rng.choice(TOPICS)}: what nobody tells you \N{SPARKLES}",
                "permalink": f"https://www.pinterest.com/pin/{identifier}/",
                "media_type": "IMAGE",
                "media_url": f"https://example.com/made-up/{identifier}.jpg",
                "stats": {name: int(rng.paretovariate(1.1)) for name in COUNTERS},
                "timestamp": str(newest - timedelta(seconds=rng.randrange(80 * 86_400))),
            }
        )
    return {"success": True, "data": {"stats": metrics(first), "posts": pins}}


def metrics(seed: int) -> list[dict[str, Any]]:
    """Return rows of totals of the current and the previous period."""
    common = {"value_current_period": 1000 + seed, "value_last_period": 900, "percentage_change": "+25.0%"}
    return [{"key": key, "name": key.title(), **common, "description": "Made up"} for key in ("posts", *COUNTERS)]


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def main() -> None:
    """Serve until the process is killed; its address is the only line on stdout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pins", type=int, default=66_698)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.0)
    options = parser.parse_args()
    server = Server(0, PreparedResponses(options.pins, options.accounts, options.latency))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
