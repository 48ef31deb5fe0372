"""Every class of fault that the sync must survive: what is injected, and how the sync must end."""

import json
from dataclasses import dataclass, field
from typing import Any

from integration_tests.fault_injection.key_search import KEY, spellings
from oneup_pinterest.sandbox import Fault

ALL_ENDPOINTS = ("listsocialaccounts", "overview", "posts")
ANALYTICS = ALL_ENDPOINTS[1:]
# what a server sends that repeats the request, with the key in every spelling
KEY_TEXT = " ".join(["Asked for", *spellings(KEY)])
KEY_BODY = {"success": False, "message": KEY_TEXT}
KEY_HEADERS = {"X-Asked": KEY_TEXT.encode().decode("latin-1"), "Set-Cookie": f"at={spellings(KEY)[1]}"}
KEY_HTML = f"<!doctype html><title>Log in</title><a href='?apiKey={spellings(KEY)[2]}'>{KEY_TEXT}</a>"


@dataclass(frozen=True)
class FaultClass:
    """One class of fault and the result that it must have.

    `passes`: a fault that hits one request is retried until it passes.
    `is_config`: a fault that hits all accounts ends the sync with status 2 instead of 1.
    `is_harmless`: the response is unusual but valid, and everything is read.
    `is_slow`: the test needs shortened time-outs.
    `paths`: the endpoints that the fault applies to.
    """

    name: str
    kind: str
    details: dict[str, Any] = field(default_factory=dict)
    passes: bool = False
    is_config: bool = False
    is_harmless: bool = False
    is_slow: bool = False
    paths: tuple[str, ...] = ALL_ENDPOINTS

    def status(self, affects_all: bool) -> int:
        """Return the exit status of a sync in which the fault hits every request of all accounts or of one."""
        if self.is_harmless:
            return 0
        return (2 if self.is_config else 1) if affects_all else 3

    def fault(self, path: str, **which: Any) -> Fault:
        return Fault(self.kind, path=path, **which, **self.details)

    @property
    def injected(self) -> str:
        """Return what is injected into the sandbox, without the headers that repeat the key."""
        details = {name: value for name, value in self.details.items() if name not in ("edit", "headers")}
        details |= {name: value for name, value in self.details.get("headers", {}).items() if name not in KEY_HEADERS}
        return f"`{self.kind}({', '.join(f'{name}={_shortened(value)}' for name, value in details.items())})`"


def _shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace(json.dumps(KEY_TEXT, ensure_ascii=False)[1:-1], "(the key)")
    text = text.replace(spellings(KEY)[2], "(the key)")
    return text if len(text) <= 48 else f"{text[:47]}…"


def _rate_limited(name: str, **headers: str) -> FaultClass:
    details = {"status": 429, "body": KEY_BODY, "headers": {**KEY_HEADERS, **headers}}
    return FaultClass(f"429, {name}", "status", details, passes=True)


def _status(status: int, body: Any, name: str, **how: Any) -> FaultClass:
    return FaultClass(
        f"{status} with {name}", "status", {"status": status, "body": body, "headers": KEY_HEADERS}, **how
    )


def _body(name: str, body: Any, **how: Any) -> FaultClass:
    return FaultClass(f"200 with {name}", "body", {"body": body, "headers": KEY_HEADERS}, **how)


def _without(part: str, name: str, value: Any, path: str) -> FaultClass:
    def edit(response: dict[str, Any]) -> None:
        if value is ...:
            del response["data"][part]
        else:
            response["data"][part] = value

    return FaultClass(f"`{part}` {name}", "edit", {"edit": edit}, paths=(path,))


CLASSES = (
    # a full backlog, which is not a fault of the sandbox
    FaultClass("connect time-out", "unreachable", passes=True, is_slow=True),
    _rate_limited("Retry-After in seconds", **{"Retry-After": "7"}),
    _rate_limited("Retry-After as a date", **{"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
    _rate_limited("no Retry-After"),
    _rate_limited("huge Retry-After", **{"Retry-After": "9" * 400}),
    _rate_limited("negative Retry-After", **{"Retry-After": "-5"}),
    _rate_limited("invalid Retry-After", **{"Retry-After": "soon, Tuesday"}),
    _rate_limited("past Retry-After", **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    *(_status(status, KEY_BODY, "JSON", passes=True) for status in (500, 502, 503)),
    *(_status(status, KEY_HTML, "HTML", passes=True) for status in (500, 502, 503)),
    _status(204, "", "an empty body", passes=True),
    FaultClass("read time-out", "slow", {"seconds": 60.0}, passes=True, is_slow=True),
    FaultClass("endless body, a byte at a time", "drip", {"seconds": 0.3, "start": "{"}, passes=True, is_slow=True),
    FaultClass("endless headers", "drip", {"seconds": 0.3, "where": "head"}, passes=True, is_slow=True),
    *(FaultClass(f"dropped, {when}", "drop", {"when": when}, passes=True) for when in ("before", "headers", "body")),
    FaultClass("truncated body", "truncate", passes=True),
    FaultClass("wrong content length", "wrong_length", passes=True),
    FaultClass("gzip", "gzip", passes=True, is_harmless=True),
    FaultClass("truncated gzip", "gzip", {"how": "cut"}, passes=True),
    FaultClass("corrupt gzip", "gzip", {"how": "corrupt"}, passes=True),
    FaultClass("gzip with a wrong length", "gzip", {"how": "wrong_length"}, passes=True),
    FaultClass("gzip bomb", "gzip", {"how": "bomb", "megabytes": 100}),
    FaultClass("a huge body", "flood", {"megabytes": 100}),
    FaultClass("unrequested brotli", "brotli", passes=True),
    FaultClass("chunked", "chunked", passes=True, is_harmless=True),
    FaultClass("truncated chunks", "chunked", {"how": "cut"}, passes=True),
    FaultClass("invalid chunks", "chunked", {"how": "nonsense"}, passes=True),
    FaultClass("103 before the response", "interim", passes=True),
    FaultClass("invalid status line", "status_line", passes=True),
    FaultClass("byte order mark", "charset", passes=True, is_harmless=True),
    FaultClass(
        "redirect to a login page", "redirect", {"location": f"/login?apiKey={spellings(KEY)[2]}"}, is_config=True
    ),
    _body("HTML", KEY_HTML),
    _body("an empty body", "", passes=True),
    _body("an empty object", {}),
    _body("`success: false`", KEY_BODY),
    _body("`success: false`, about the plan", {"success": False, "message": "Your plan has no API."}, is_config=True),
    _body("`data` null", {"success": True, "data": None}),
    _body("`data` missing", {"success": True}),
    _without("metrics", "null", None, "overview"),
    _without("metrics", "missing", ..., "overview"),
    _without("posts", "null", None, "posts"),
    _without("posts", "missing", ..., "posts"),
    *(_status(status, KEY_BODY, "JSON", is_config=True) for status in (401, 402, 403, 404)),
    _status(422, KEY_BODY, "JSON"),
)
