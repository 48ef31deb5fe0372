"""Inject faults on request: what a broken server, proxy or network does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

# The details of each kind, with their defaults.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "status": {"status": 500, "body": "", "headers": None, "content_type": None},
    "body": {"status": 200, "body": "", "headers": None, "content_type": None},
    "drop": {"when": "before"},
    "truncate": {},
    "wrong_length": {},
    "slow": {"seconds": 1.0},
    "redirect": {"location": "/login"},
    "edit": {"edit": None},
    "gzip": {"how": "whole", "megabytes": 300},
    "brotli": {},
    "chunked": {"how": "whole"},
    "interim": {"status": 103, "seconds": 0.5},
    "status_line": {"line": "HTP/one 200 nonsense"},
    "charset": {"charset": "utf-8-sig"},
    "drip": {"seconds": 1.0, "start": "", "where": "body"},
    "flood": {"megabytes": 300, "start": ""},
}
_PATHS = ("overview", "posts", "listsocialaccounts")
_DROPS = ("before", "headers", "body")
_PARTS = ("body", "head")
_VARIANTS = {"gzip": ("whole", "cut", "corrupt", "wrong_length", "bomb"), "chunked": ("whole", "cut", "nonsense")}


class Fault:
    """One fault, for the next matching request or several.

    Kinds and their details:

    - `status`: responds with `status` (500), `body` (a dict or list is sent as JSON, text as it
      is), `headers` and `content_type`.
    - `body`: the same with status 200.
    - `drop`: closes the connection `when` "before" the response, halfway through its "headers" or
      halfway through its "body".
    - `truncate`: the correct response, cut in the middle, in correct framing.
    - `wrong_length`: announces more bytes than it sends, then closes.
    - `slow`: the correct response after `seconds` (1).
    - `redirect`: 302 to `location` ("/login", which is an HTML page).
    - `edit`: the correct response changed by `edit`, a function that returns the new response (or
      changes the one it is given and returns None), or a dict that is merged into it.
    - `gzip`: the correct response compressed, `how`: "whole", "cut" in the middle, "corrupt", with a
      "wrong_length" in its trailer, or a "bomb" that decompresses to `megabytes` (300) of spaces.
    - `brotli`: bytes that are announced as Brotli, which nobody accepts.
    - `chunked`: the correct response in chunks, `how`: "whole", "cut" before its last chunk, or with
      a "nonsense" chunk length.
    - `interim`: an interim response with `status` (103), and the correct one `seconds` (0.5) later.
    - `status_line`: `line` instead of the status line.
    - `charset`: the correct response in `charset` ("utf-8-sig": with a byte order mark).
    - `drip`: `start` and then a space every `seconds` (1), endlessly; `where`: in the "body" or
      the "head".
    - `flood`: `start` and then `megabytes` (300) of spaces, as fast as possible.

    `path` and `social_network_id` select the requests it hits (None: any). It skips the first
    `after` of those, then hits `times` of them (None: all).
    """

    def __init__(
        self,
        kind: str,
        path: str | None = None,
        social_network_id: str | None = None,
        times: int | None = 1,
        after: int = 0,
        **details: Any,
    ) -> None:
        """Describe a fault; raise ValueError for one that does not exist."""
        if kind not in _DEFAULTS:
            raise ValueError(f"there is no fault of kind {kind!r}; the kinds are {', '.join(_DEFAULTS)}")
        if path is not None and path not in _PATHS:
            raise ValueError(f"there is no path {path!r}; the paths are {', '.join(_PATHS)}")
        if unknown := details.keys() - _DEFAULTS[kind].keys():
            raise ValueError(f"a fault of kind {kind!r} has no {', '.join(sorted(unknown))}")
        if details.get("when", "before") not in _DROPS:
            raise ValueError(f"`when` must be one of {', '.join(_DROPS)}")
        if kind in _VARIANTS and details.get("how", "whole") not in _VARIANTS[kind]:
            raise ValueError(f"`how` must be one of {', '.join(_VARIANTS[kind])}")
        if details.get("where", "body") not in _PARTS:
            raise ValueError(f"`where` must be one of {', '.join(_PARTS)}")
        if kind == "edit" and not (callable(details.get("edit")) or isinstance(details.get("edit"), Mapping)):
            raise ValueError("`edit` must be a function or a dict")
        self.kind = kind
        self.path = path
        self.social_network_id = social_network_id
        self.times = times
        self.after = after
        self.details: dict[str, Any] = {**_DEFAULTS[kind], **details}

    def __repr__(self) -> str:
        """Return the fault as code."""
        return f"Fault({self.kind!r}, path={self.path!r}, details={self.details!r})"

    def matches(self, path: str, social_network_id: str | None) -> bool:
        """Return whether this fault is for a request."""
        return self.path in (None, path) and self.social_network_id in (None, social_network_id)


class Faults:
    """The pending faults, shared by the threads of the server."""

    def __init__(self) -> None:
        """Start without faults."""
        self._lock = Lock()
        # Each with the number of requests to skip, and to hit (None: all).
        self._pending: list[tuple[Fault, int, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Add a fault behind the pending ones."""
        with self._lock:
            self._pending.append((fault, fault.after, fault.times))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._pending.clear()

    def take(self, path: str, social_network_id: str | None) -> Fault | None:
        """Return the fault that hits this request: the first one for it with times left."""
        with self._lock:
            for index, (fault, to_skip, left) in enumerate(self._pending):
                if not fault.matches(path, social_network_id) or left == 0:
                    continue
                if to_skip:
                    self._pending[index] = (fault, to_skip - 1, left)
                    continue
                self._pending[index] = (fault, 0, None if left is None else left - 1)
                return fault
        return None


def apply_edit(body: Any, edit: Callable[[Any], Any] | Mapping[str, Any]) -> Any:
    """Return the body of a response after the edit of a fault."""
    if isinstance(edit, Mapping):
        return _merged(body, edit)
    changed = edit(body)
    return body if changed is None else changed


def _merged(into: Any, changes: Mapping[str, Any]) -> Any:
    if not isinstance(into, Mapping):
        return dict(changes)
    merged = dict(into)
    for key, value in changes.items():
        merged[key] = _merged(into.get(key), value) if isinstance(value, Mapping) else value
    return merged
