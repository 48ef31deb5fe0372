"""The sandbox server: the made-up world behind OneUp's urls, with a clock, a log and faults."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from threading import Lock, Thread
from types import TracebackType
from typing import Any, NamedTuple

from oneup_pinterest.sandbox.accounts import ID_PREFIX, Account
from oneup_pinterest.sandbox.faults import Fault, Faults
from oneup_pinterest.sandbox.http_server import Response, Server
from oneup_pinterest.sandbox.request_validation import Refused, asked_window
from oneup_pinterest.sandbox.responses import (
    accounts_answer,
    documented_answer,
    overview_answer,
    posts_answer,
)
from oneup_pinterest.sandbox.world import World

_ENDPOINTS = {
    "/api/pinterest/overview": "overview",
    "/api/pinterest/posts": "posts",
    "/api/listsocialaccounts": "listsocialaccounts",
}
_NOT_FOUND = "Account not found or does not belong to the authenticated user."


class LoggedRequest(NamedTuple):
    """One request to the API. The key is not among its params; status 0: nothing was answered.

    `accept` is its Accept header; `started` and `answered` are seconds of a monotonic clock.
    """

    path: str
    params: dict[str, str]
    status: int
    accept: str = ""
    started: float = 0.0
    answered: float = 0.0


class Sandbox:
    """A server on a free loopback port for as long as the `with` block runs.

    `now` fixes the server's clock (default: the real time), `latency` is the seconds every API
    answer takes, `documented_sample` adds the account that answers OneUp's documented samples.
    `reference` is the day from which the new account and the dormant one are counted back (default:
    the clock's date when the sandbox is made).
    """

    def __init__(
        self,
        seed: int = 7,
        accounts: int = 5,
        api_key: str = "sandbox-key",
        now: datetime | None = None,
        latency: float = 0.0,
        *,
        documented_sample: bool = False,
        reference: date | None = None,
        port: int = 0,
    ) -> None:
        """Make the world; the port (0: any free one) is taken on entering the block."""
        self.api_key = api_key
        self.latency = latency
        self._port = port
        self._lock = Lock()
        self._clock: datetime | None = None
        if now is not None:
            self.now = now
        self.world = World(
            seed,
            accounts,
            reference or self.now.date(),
            with_documented_sample=documented_sample,
        )
        self._faults = Faults()
        self._requests: list[LoggedRequest] = []
        self._server: Server | None = None

    def __enter__(self) -> Sandbox:
        """Start to serve."""
        self._server = Server(self._port, self)
        self._port = self._server.server_port
        # The poll is what a shutdown waits for: the default of half a second is felt in tests.
        Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.01},
            name="oneup-sandbox",
            daemon=True,
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop, and close the connections that are still open."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def analytics_url(self) -> str:
        """What stands for https://analyze.oneupapp.io/api."""
        return self.url + "/api"

    @property
    def accounts_url(self) -> str:
        """What stands for https://www.oneupapp.io/api."""
        return self.url + "/api"

    def config(self) -> dict[str, Any]:
        """A config for the connector."""
        return {
            "api_key": self.api_key,
            "analytics_url": self.analytics_url,
            "accounts_url": self.accounts_url,
        }

    @property
    def now(self) -> datetime:
        """The server's clock: an aware datetime in UTC."""
        return self._clock or datetime.now(UTC)

    @now.setter
    def now(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("the clock needs an aware datetime")
        self._clock = moment.astimezone(UTC)

    def use_real_time(self) -> None:
        """Let the clock run again."""
        self._clock = None

    @property
    def requests(self) -> list[LoggedRequest]:
        """The API requests so far, in the order of their answers."""
        with self._lock:
            return list(self._requests)

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._requests.clear()

    @property
    def account_ids(self) -> list[str]:
        """Ids of the Pinterest accounts that it lists."""
        return self.world.account_ids

    def add_account(self, social_network_id: str = ID_PREFIX + "late", **habits: Any) -> str:
        """Connect one more account and return its id; `habits` are fields of `Account`."""
        name = social_network_id.removeprefix(ID_PREFIX)
        names = {"username": name, "full_name": f"{name} (made up)"}
        self.world.add(Account(social_network_id=social_network_id, **{**names, **habits}))
        return social_network_id

    def remove_account(self, social_network_id: str) -> None:
        """Disconnect an account; KeyError when there is none of that id."""
        self.world.remove(social_network_id)

    def rename_account(self, social_network_id: str, new_id: str) -> str:
        """Let an account have another id and username, as after a rename, and return the id; its pins stay."""
        self.world.rename(social_network_id, new_id, new_id.removeprefix(ID_PREFIX))
        return new_id

    def inject(self, fault: Fault) -> None:
        """Let a fault wait for its request."""
        self._faults.add(fault)

    def reset_faults(self) -> None:
        """Forget the faults that wait."""
        self._faults.clear()

    def respond(self, path: str, params: Mapping[str, str], accept: str) -> Response:
        """The answer to one API request, with the fault that hits it; it is logged."""
        started = time.monotonic()
        endpoint = _ENDPOINTS.get(path)
        fault = self._faults.take(endpoint, params.get("social_network_id")) if endpoint else None
        if self.latency:
            time.sleep(self.latency)
        response = self._true_answer(endpoint, params)
        if fault is not None:
            response = response.with_fault(fault)
        without_key = {name: value for name, value in params.items() if name != "apiKey"}
        entry = LoggedRequest(path, without_key, response.status, accept, started, time.monotonic())
        with self._lock:
            self._requests.append(entry)
        return response

    def _true_answer(self, endpoint: str | None, params: Mapping[str, str]) -> Response:
        if endpoint is None:
            return Response.of_json({"message": "The route could not be found."}, 404)
        if params.get("apiKey") != self.api_key:
            return Response.of_json({"message": "Please provide a valid API key"}, 401)
        if endpoint == "listsocialaccounts":
            return Response.of_json(accounts_answer(self.world))
        # One look at the clock: it may be set while the answer is being written.
        now = self.now
        try:
            window = asked_window(params, now)
        except Refused as refused:
            answer = {"success": False, "message": str(refused), "errors": refused.errors}
            return Response.of_json(answer, 422)
        account = self.world.account(params["social_network_id"])
        if account is None or not account.analytics_enabled:
            return Response.of_json({"success": False, "message": _NOT_FOUND}, 404)
        if (sample := documented_answer(endpoint, account.social_network_id)) is not None:
            return Response(200, sample)
        write = overview_answer if endpoint == "overview" else posts_answer
        return Response.of_json(write(self.world, account, window, now))

    def control(self, method: str, path: str, body: bytes) -> Response:
        """The answer to a request under /_sandbox, for people who run the server by hand."""
        try:
            return self._controlled(method, path, body)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return Response.of_json({"message": f"not understood: {error}"}, 400)

    def _controlled(self, method: str, path: str, body: bytes) -> Response:
        done = Response.of_json({"message": "OK"})
        match method, path.rstrip("/"):
            case "GET", "/_sandbox":
                return Response(200, _HELP.encode(), "text/plain; charset=utf-8")
            case "GET", "/_sandbox/requests":
                logged = [request._asdict() for request in self.requests]
                return Response.of_json({"requests": logged})
            case "DELETE", "/_sandbox/requests":
                self.clear_requests()
                return done
            case "GET", "/_sandbox/clock":
                return Response.of_json({"now": self.now.isoformat()})
            case "PUT", "/_sandbox/clock":
                text = json.loads(body)["now"]
                if text is None:
                    self.use_real_time()
                else:
                    moment = datetime.fromisoformat(text)
                    self.now = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                return Response.of_json({"now": self.now.isoformat()})
            case "POST", "/_sandbox/faults":
                self.inject(Fault(**json.loads(body)))
                return done
            case "DELETE", "/_sandbox/faults":
                self.reset_faults()
                return done
        return Response.of_json({"message": "no such command: see GET /_sandbox"}, 404)


_HELP = """\
OneUp Pinterest sandbox. ALL DATA IS MADE UP: accounts, pins, followers and figures.

GET    /api/pinterest/overview     apiKey, social_network_id, preset or start_date and end_date,
GET    /api/pinterest/posts        timezone
GET    /api/listsocialaccounts     apiKey

GET    /_sandbox/requests          API requests so far, without the key
DELETE /_sandbox/requests          forget them
GET    /_sandbox/clock             the server's clock
PUT    /_sandbox/clock             {"now": "2026-01-31T12:00:00Z"}; null: the real time again
POST   /_sandbox/faults            {"kind": "status", "status": 429, "path": "posts", "times": 2,
                                    "headers": {"Retry-After": "1"}}
                                   kinds: status, body, drop, truncate, wrong_length, slow,
                                   redirect, edit, gzip, brotli, chunked, interim, status_line,
                                   charset, drip, flood
DELETE /_sandbox/faults            forget the faults that wait
"""
