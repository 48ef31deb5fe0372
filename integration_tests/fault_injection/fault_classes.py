"""Every kind of fault that the sync must survive: what is injected, and how the sync has to end."""

import json
from dataclasses import dataclass, field
from typing import Any

from integration_tests.fault_injection.key_search import KEY, spellings
from oneup_pinterest.sandbox import Fault

EVERYWHERE = ("listsocialaccounts", "overview", "posts")
ANALYTICS = EVERYWHERE[1:]
ECHO = " ".join(["Asked for", *spellings(KEY)])  # a server that repeats what it was asked
SAYS = {"success": False, "message": ECHO}
ECHOES = {"X-Asked": ECHO.encode().decode("latin-1"), "Set-Cookie": f"at={spellings(KEY)[1]}"}
HTML = f"<!doctype html><title>Log in</title><a href='?apiKey={spellings(KEY)[2]}'>{ECHO}</a>"


@dataclass(frozen=True)
class FaultClass:
    """`passes`: what hits one request is waited out. `is_config`: what hits all accounts ends with 2, else with 1.

    `is_none`: it is rare but right, and all is read.
    `is_slow`: it needs shortened time-outs. `paths`: the endpoints that it applies to.
    """

    name: str
    kind: str
    details: dict[str, Any] = field(default_factory=dict)
    passes: bool = False
    is_config: bool = False
    is_none: bool = False
    is_slow: bool = False
    paths: tuple[str, ...] = EVERYWHERE

    def status(self, of_all: bool) -> int:
        """Return the exit status where it hits all requests, of all accounts or of one."""
        if self.is_none:
            return 0
        return (2 if self.is_config else 1) if of_all else 3

    def fault(self, path: str, **which: Any) -> Fault:
        return Fault(self.kind, path=path, **which, **self.details)

    @property
    def injected(self) -> str:
        """Return what is injected into the sandbox, without the headers that repeat the key."""
        details = {name: value for name, value in self.details.items() if name not in ("edit", "headers")}
        details |= {name: value for name, value in self.details.get("headers", {}).items() if name not in ECHOES}
        return f"`{self.kind}({', '.join(f'{name}={_shortened(value)}' for name, value in details.items())})`"


def _shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace(json.dumps(ECHO, ensure_ascii=False)[1:-1], "(the key)")
    text = text.replace(spellings(KEY)[2], "(the key)")
    return text if len(text) <= 48 else f"{text[:47]}…"


def _limited(name: str, **headers: str) -> FaultClass:
    details = {"status": 429, "body": SAYS, "headers": {**ECHOES, **headers}}
    return FaultClass(f"429, {name}", "status", details, passes=True)


def _status(status: int, body: Any, name: str, **how: Any) -> FaultClass:
    return FaultClass(f"{status} with {name}", "status", {"status": status, "body": body, "headers": ECHOES}, **how)


def _body(name: str, body: Any, **how: Any) -> FaultClass:
    return FaultClass(f"200 with {name}", "body", {"body": body, "headers": ECHOES}, **how)


def _without(part: str, name: str, value: Any, path: str) -> FaultClass:
    def edit(answer: dict[str, Any]) -> None:
        if value is ...:
            del answer["data"][part]
        else:
            answer["data"][part] = value

    return FaultClass(f"`{part}` {name}", "edit", {"edit": edit}, paths=(path,))


CLASSES = (
    FaultClass("connect time-out", "unreachable", passes=True, is_slow=True),  # a full backlog: no fault of the sandbox
    _limited("Retry-After in seconds", **{"Retry-After": "7"}),
    _limited("Retry-After as a date", **{"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
    _limited("no Retry-After"),
    _limited("Retry-After that is huge", **{"Retry-After": "9" * 400}),
    _limited("Retry-After that is negative", **{"Retry-After": "-5"}),
    _limited("Retry-After that is nonsense", **{"Retry-After": "soon, Tuesday"}),
    _limited("Retry-After that is past", **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    *(_status(status, SAYS, "JSON", passes=True) for status in (500, 502, 503)),
    *(_status(status, HTML, "HTML", passes=True) for status in (500, 502, 503)),
    _status(204, "", "nothing", passes=True),
    FaultClass("read time-out", "slow", {"seconds": 60.0}, passes=True, is_slow=True),
    FaultClass("bytes now and then, without end", "drip", {"seconds": 0.3, "start": "{"}, passes=True, is_slow=True),
    FaultClass("headers without an end", "drip", {"seconds": 0.3, "where": "head"}, passes=True, is_slow=True),
    *(FaultClass(f"dropped, {when}", "drop", {"when": when}, passes=True) for when in ("before", "headers", "body")),
    FaultClass("body cut short", "truncate", passes=True),
    FaultClass("wrong content length", "wrong_length", passes=True),
    FaultClass("gzip", "gzip", passes=True, is_none=True),
    FaultClass("gzip cut short", "gzip", {"how": "cut"}, passes=True),
    FaultClass("gzip that is corrupt", "gzip", {"how": "corrupt"}, passes=True),
    FaultClass("gzip of a wrong length", "gzip", {"how": "wrong_length"}, passes=True),
    FaultClass("gzip bomb", "gzip", {"how": "bomb", "megabytes": 100}),
    FaultClass("a body without bounds", "flood", {"megabytes": 100}),
    FaultClass("unrequested brotli", "brotli", passes=True),
    FaultClass("chunked", "chunked", passes=True, is_none=True),
    FaultClass("chunks cut short", "chunked", {"how": "cut"}, passes=True),
    FaultClass("chunks of nonsense", "chunked", {"how": "nonsense"}, passes=True),
    FaultClass("103 before the answer", "interim", passes=True),
    FaultClass("status line of nonsense", "status_line", passes=True),
    FaultClass("byte order mark", "charset", passes=True, is_none=True),
    FaultClass(
        "redirect to a login page", "redirect", {"location": f"/login?apiKey={spellings(KEY)[2]}"}, is_config=True
    ),
    _body("HTML", HTML),
    _body("nothing", "", passes=True),
    _body("an empty object", {}),
    _body("`success: false`", SAYS),
    _body("`success: false`, of the plan", {"success": False, "message": "Your plan has no API."}, is_config=True),
    _body("`data` null", {"success": True, "data": None}),
    _body("`data` missing", {"success": True}),
    _without("metrics", "null", None, "overview"),
    _without("metrics", "missing", ..., "overview"),
    _without("posts", "null", None, "posts"),
    _without("posts", "missing", ..., "posts"),
    *(_status(status, SAYS, "JSON", is_config=True) for status in (401, 402, 403, 404)),
    _status(422, SAYS, "JSON"),
)
