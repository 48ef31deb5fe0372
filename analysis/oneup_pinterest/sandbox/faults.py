"""Faults on request: what a server, a proxy or a network does when it does not do its work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

# What each kind may be told, and what it does when it is not told.
_DETAILS: dict[str, dict[str, Any]] = {
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
_HOWS = {"gzip": ("whole", "cut", "corrupt", "wrong_length", "bomb"), "chunked": ("whole", "cut", "nonsense")}


class Fault:
    """One fault, for the next matching request or several.

    Kinds and their details:

    - `status`: answers `status` (500) with `body` (a dict or list is sent as JSON, text as it
      is), `headers` and `content_type`.
    - `body`: the same with status 200.
    - `drop`: closes the connection `when` "before" an answer, half-way through its "headers" or
      half-way through its "body".
    - `truncate`: the true answer, cut in the middle, in correct framing.
    - `wrong_length`: announces more bytes than it sends, then closes.
    - `slow`: the true answer after `seconds` (1).
    - `redirect`: 302 to `location` ("/login", which answers HTML).
    - `edit`: the true answer changed by `edit`, a function that returns the new answer (or
      changes the one it is given and returns None), or a dict that is merged into it.
    - `gzip`: the true answer compressed, `how`: "whole", "cut" in the middle, "corrupt", of a
      "wrong_length" by its own trailer, or a "bomb" that unpacks to `megabytes` (300) of blanks.
    - `brotli`: bytes that are announced as packed in a way that nobody asked for.
    - `chunked`: the true answer in chunks, `how`: "whole", "cut" before its last chunk, or with
      a "nonsense" chunk length.
    - `interim`: a `status` (103) of the kind that precedes an answer, and that `seconds` (0.5) later.
    - `status_line`: `line` in place of the status line.
    - `charset`: the true answer in `charset` ("utf-8-sig": with a byte order mark).
    - `drip`: `start` and then a blank every `seconds` (1), without an end; `where`: in the "body" or
      the "head".
    - `flood`: `start` and then `megabytes` (300) of blanks, as fast as they go.

    `path` and `social_network_id` say which requests it is for (None: any). It spares the first
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
        """Describe a fault; ValueError for one that does not exist."""
        if kind not in _DETAILS:
            raise ValueError(f"no fault of kind {kind!r}: there are {', '.join(_DETAILS)}")
        if path is not None and path not in _PATHS:
            raise ValueError(f"no path {path!r}: there are {', '.join(_PATHS)}")
        if unknown := details.keys() - _DETAILS[kind].keys():
            raise ValueError(f"{kind!r} has no {', '.join(sorted(unknown))}")
        if details.get("when", "before") not in _DROPS:
            raise ValueError(f"a connection is dropped at one of {', '.join(_DROPS)}")
        if kind in _HOWS and details.get("how", "whole") not in _HOWS[kind]:
            raise ValueError(f"there is no such {kind}: there are {', '.join(_HOWS[kind])}")
        if details.get("where", "body") not in _PARTS:
            raise ValueError(f"there is no such part: there are {', '.join(_PARTS)}")
        if kind == "edit" and not (callable(details.get("edit")) or isinstance(details.get("edit"), Mapping)):
            raise ValueError("'edit' needs a function or a dict as edit=")
        self.kind = kind
        self.path = path
        self.social_network_id = social_network_id
        self.times = times
        self.after = after
        self.details: dict[str, Any] = {**_DETAILS[kind], **details}

    def __repr__(self) -> str:
        """The fault as it could be written."""
        return f"Fault({self.kind!r}, path={self.path!r}, details={self.details!r})"

    def matches(self, path: str, social_network_id: str | None) -> bool:
        """Whether a request is one that this fault is for."""
        return self.path in (None, path) and self.social_network_id in (None, social_network_id)


class Faults:
    """The faults that wait for their requests, shared by the threads of the server."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = Lock()
        # Each with the requests it still spares and the times it still has (None: no end).
        self._waiting: list[tuple[Fault, int, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait, behind those that wait already."""
        with self._lock:
            self._waiting.append((fault, fault.after, fault.times))

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._waiting.clear()

    def take(self, path: str, social_network_id: str | None) -> Fault | None:
        """The fault that hits this request: the first one for it that has times left."""
        with self._lock:
            for index, (fault, spared, left) in enumerate(self._waiting):
                if not fault.matches(path, social_network_id) or left == 0:
                    continue
                if spared:
                    self._waiting[index] = (fault, spared - 1, left)
                    continue
                self._waiting[index] = (fault, 0, None if left is None else left - 1)
                return fault
        return None


def edited(answer: Any, edit: Callable[[Any], Any] | Mapping[str, Any]) -> Any:
    """An answer after the edit of a fault."""
    if isinstance(edit, Mapping):
        return _merged(answer, edit)
    changed = edit(answer)
    return answer if changed is None else changed


def _merged(into: Any, changes: Mapping[str, Any]) -> Any:
    if not isinstance(into, Mapping):
        return dict(changes)
    merged = dict(into)
    for key, value in changes.items():
        merged[key] = _merged(into.get(key), value) if isinstance(value, Mapping) else value
    return merged
