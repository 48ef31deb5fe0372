"""Run the sandbox server: the made-up world behind OneUp's URLs, with a clock, a request log and faults."""

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
from oneup_pinterest.sandbox.pictures import picture
from oneup_pinterest.sandbox.request_validation import InvalidRequest, parse_window
from oneup_pinterest.sandbox.responses import (
    accounts_response,
    documented_response,
    overview_response,
    posts_response,
)
from oneup_pinterest.sandbox.world import World

_ENDPOINTS = {
    "/api/pinterest/overview": "overview",
    "/api/pinterest/posts": "posts",
    "/api/listsocialaccounts": "listsocialaccounts",
}
_NOT_FOUND = "Account not found or does not belong to the authenticated user."


class LoggedRequest(NamedTuple):
    """One request to the API, without the key in its params; status 0 means no response.

    `accept` is its Accept header; `started` and `finished` are seconds of a monotonic clock.
    """

    path: str
    params: dict[str, str]
    status: int
    accept: str = ""
    started: float = 0.0
    finished: float = 0.0


class Sandbox:
    """A server on a free loopback port, running inside its `with` block.

    `now` fixes the server's clock (default: the real time), `latency` delays every API response (in
    seconds), and `documented_sample` adds the account whose responses are OneUp's documented samples.
    With `pictures` the addresses of pins' images lead to this server, so they differ from run to run.
    The new and the dormant account are counted back from the day `reference` (default: the clock's
    date when the sandbox is created).
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
        pictures: bool = False,
        reference: date | None = None,
        port: int = 0,
    ) -> None:
        """Create the world; the port (0: any free one) is bound on entering the block."""
        self.api_key = api_key
        self.latency = latency
        self._has_pictures = pictures
        self._picture_requests: list[str] = []
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
        """Start serving."""
        self._server = Server(self._port, self)
        self._port = self._server.server_port
        # A shutdown waits for one poll: the default of half a second would slow down tests.
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
        """The URL of the server."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def analytics_url(self) -> str:
        """The URL that replaces https://analyze.oneupapp.io/api."""
        return self.url + "/api"

    @property
    def accounts_url(self) -> str:
        """The URL that replaces https://www.oneupapp.io/api."""
        return self.url + "/api"

    def config(self) -> dict[str, Any]:
        """Return a config for the connector."""
        return {
            "api_key": self.api_key,
            "analytics_url": self.analytics_url,
            "accounts_url": self.accounts_url,
        }

    @property
    def now(self) -> datetime:
        """The server's clock: an aware datetime in UTC."""
        return self._clock or datetime.now(UTC)  # not oneup_pinterest.clock: the sandbox imports nothing of the kit

    @now.setter
    def now(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("the clock needs an aware datetime")
        self._clock = moment.astimezone(UTC)

    def use_real_time(self) -> None:
        """Let the clock follow the real time again."""
        self._clock = None

    @property
    def requests(self) -> list[LoggedRequest]:
        """The API requests so far, in the order of their responses."""
        with self._lock:
            return list(self._requests)

    @property
    def picture_requests(self) -> list[str]:
        """The paths of the pictures that were requested so far."""
        with self._lock:
            return list(self._picture_requests)

    def clear_requests(self) -> None:
        """Clear the logs of requests."""
        with self._lock:
            self._requests.clear()
            self._picture_requests.clear()

    @property
    def account_ids(self) -> list[str]:
        """The ids of the Pinterest accounts that it lists."""
        return self.world.account_ids

    def add_account(self, social_network_id: str = ID_PREFIX + "late", **habits: Any) -> str:
        """Connect one more account and return its id; `habits` are fields of `Account`."""
        name = social_network_id.removeprefix(ID_PREFIX)
        names = {"username": name, "full_name": f"{name} (made up)"}
        self.world.add(Account(social_network_id=social_network_id, **{**names, **habits}))
        return social_network_id

    def remove_account(self, social_network_id: str) -> None:
        """Disconnect an account; raise KeyError if the id is unknown."""
        self.world.remove(social_network_id)

    def rename_account(self, social_network_id: str, new_id: str) -> str:
        """Give an account another id and username, as after a rename, and return the id; its pins stay."""
        self.world.rename(social_network_id, new_id, new_id.removeprefix(ID_PREFIX))
        return new_id

    def inject(self, fault: Fault) -> None:
        """Add a fault for the next matching request or requests."""
        self._faults.add(fault)

    def reset_faults(self) -> None:
        """Remove all pending faults."""
        self._faults.clear()

    def respond(self, path: str, params: Mapping[str, str], accept: str) -> Response:
        """Return the response to an API request, with the fault that hits it, and log the request."""
        started = time.monotonic()
        endpoint = _ENDPOINTS.get(path)
        fault = self._faults.take(endpoint, params.get("social_network_id")) if endpoint else None
        if self.latency:
            time.sleep(self.latency)
        response = self._correct_response(endpoint, params)
        if fault is not None:
            response = response.with_fault(fault)
        without_key = {name: value for name, value in params.items() if name != "apiKey"}
        entry = LoggedRequest(path, without_key, response.status, accept, started, time.monotonic())
        with self._lock:
            self._requests.append(entry)
        return response

    def _correct_response(self, endpoint: str | None, params: Mapping[str, str]) -> Response:
        if endpoint is None:
            return Response.of_json({"message": "The route could not be found."}, 404)
        if params.get("apiKey") != self.api_key:
            return Response.of_json({"message": "Please provide a valid API key"}, 401)
        if endpoint == "listsocialaccounts":
            return Response.of_json(accounts_response(self.world))
        # Read the clock once: it may be set while the response is built.
        now = self.now
        try:
            window = parse_window(params, now)
        except InvalidRequest as error:
            body = {"success": False, "message": str(error), "errors": error.errors}
            return Response.of_json(body, 422)
        account = self.world.account(params["social_network_id"])
        if account is None or not account.analytics_enabled:
            return Response.of_json({"success": False, "message": _NOT_FOUND}, 404)
        if (sample := documented_response(endpoint, account.social_network_id)) is not None:
            return Response(200, sample)
        if endpoint == "overview":
            return Response.of_json(overview_response(self.world, account, window, now))
        pictures_url = self.url if self._has_pictures else None
        return Response.of_json(posts_response(self.world, account, window, now, pictures_url))

    def picture(self, path: str) -> Response:
        """Return the picture of a pin, and log the request."""
        with self._lock:
            self._picture_requests.append(path)
        drawn = picture(path)
        if drawn is None:
            return Response.of_json({"message": "There is no such picture."}, 404)
        return Response(200, drawn, "image/png")

    def control(self, method: str, path: str, body: bytes) -> Response:
        """Return the response to a request under /_sandbox, which controls the server."""
        try:
            return self._run_command(method, path, body)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return Response.of_json({"message": f"Invalid request: {error}. See GET /_sandbox."}, 400)

    def _run_command(self, method: str, path: str, body: bytes) -> Response:
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
        return Response.of_json({"message": "There is no such command. See GET /_sandbox."}, 404)


_HELP = """\
OneUp Pinterest sandbox. ALL DATA IS MADE UP: accounts, pins, followers and figures.

GET    /api/pinterest/overview     apiKey, social_network_id, preset or start_date and end_date,
GET    /api/pinterest/posts        timezone
GET    /api/listsocialaccounts     apiKey
GET    /pictures/TOPIC/ID.png      the picture of a pin

GET    /_sandbox/requests          API requests so far, without the key
DELETE /_sandbox/requests          clear them
GET    /_sandbox/clock             the server's clock
PUT    /_sandbox/clock             {"now": "2026-01-31T12:00:00Z"}; null: real time again
POST   /_sandbox/faults            {"kind": "status", "status": 429, "path": "posts", "times": 2,
                                    "headers": {"Retry-After": "1"}}
                                   kinds: status, body, drop, truncate, wrong_length, slow,
                                   redirect, edit, gzip, brotli, chunked, interim, status_line,
                                   charset, drip, flood
DELETE /_sandbox/faults            remove all pending faults
"""
