"""What is asked of the same frame more than once, worked out once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import signature, unwrap
from typing import Any, Concatenate, ParamSpec, TypeVar

import polars as pl

P = ParamSpec("P")
T = TypeVar("T")

_KNOWN: ContextVar[dict[object, tuple[object, Any]] | None] = ContextVar("known", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Within the block, functions that are `remembered` answer the same question about the same frame once.

    For code that asks many questions of the same frames, as the report does of each account. Frames must not be
    changed in place within the block, and stay in memory until its end. Within another such block it is the same one.

    >>> @remembered
    ... def rows(frame): print("counted"); return frame.height
    >>> pins = pl.DataFrame({"saves": [1, 2]})
    >>> with remembering(): rows(pins), rows(pins), rows(pins.clone())
    counted
    counted
    (2, 2, 2)
    """
    known = _KNOWN.get()
    token = _KNOWN.set({} if known is None else known)
    try:
        yield
    finally:
        _KNOWN.reset(token)


def remembered(function: Callable[Concatenate[pl.DataFrame, P], T]) -> Callable[Concatenate[pl.DataFrame, P], T]:
    """Makes a pure function of a frame, and of arguments that do not change, one that `remembering` remembers."""

    parameters = signature(function)

    @wraps(function)
    def answered(frame: pl.DataFrame, /, *args: P.args, **kwargs: P.kwargs) -> T:
        known = _KNOWN.get()
        if known is None:
            return function(frame, *args, **kwargs)
        given = parameters.bind(frame, *args, **kwargs)
        given.apply_defaults()
        key = (function, tuple(map(_key, given.arguments.values())))
        if key not in known:
            # the frames are kept, too, so that no other gets the id of one
            known[key] = (frame, args, kwargs), function(frame, *args, **kwargs)
        answer: T = known[key][1]
        return answer

    return answered


def remember(function: Callable[[pl.DataFrame], T], frame: pl.DataFrame, answer: T) -> None:
    """Within `remembering`, makes known what a remembered function would answer about a frame.

    >>> @remembered
    ... def rows(frame): return frame.height
    >>> pins = pl.DataFrame({"saves": [1, 2]})
    >>> with remembering(): remember(rows, pins, 3); rows(pins)
    3
    """
    known = _KNOWN.get()
    if known is not None:
        known[unwrap(function), (id(frame),)] = (frame,), answer


def _key(value: object) -> object:
    if isinstance(value, pl.DataFrame):
        return id(value)
    return tuple(value) if isinstance(value, list) else value
