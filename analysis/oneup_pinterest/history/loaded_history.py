"""Hold the loaded frames of any number of accounts, and results derived from them, computed once."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

import polars as pl

from oneup_pinterest.database.schema import TABLES

H = TypeVar("H", bound="LoadedHistory")
P = ParamSpec("P")
T = TypeVar("T")


class LoadedHistory:
    """The frames that the `load_*` functions return, of any number of accounts.

    Functions decorated with `computed_once` keep their results in it. So do not change frames in place, and use a
    history in one thread at a time. Frames that are not given have no rows.

    Attributes:
        pins: as `load_pins` returns them; texts and addresses may be missing where `pins_latest` has them.
        pins_latest: as `load_pins_latest` returns it, or None: `latest_pins` then takes the newest rows of `pins`.
        overview, followers, pin_totals, accounts: as `load_overview_metrics`, `load_account_followers`,
            `load_pin_totals` and `load_accounts` return them.
        post_performance: as `load_post_performance` returns it, at least the newest period of each preset; `item` may
            be missing.

    >>> LoadedHistory(pl.DataFrame({"social_network_id": ["pin_a"], "id": ["1"]})).followers.height
    0
    """

    def __init__(
        self,
        pins: pl.DataFrame,
        *,
        pins_latest: pl.DataFrame | None = None,
        overview: pl.DataFrame | None = None,
        followers: pl.DataFrame | None = None,
        pin_totals: pl.DataFrame | None = None,
        post_performance: pl.DataFrame | None = None,
        accounts: pl.DataFrame | None = None,
    ) -> None:
        self.pins = pins
        self.pins_latest = pins_latest
        self.overview = _or_empty(overview, "overview_metrics")
        self.followers = _or_empty(followers, "account_followers")
        self.pin_totals = _or_empty(pin_totals, "pin_totals")
        self.post_performance = _or_empty(post_performance, "post_performance")
        self.accounts = _or_empty(accounts, "accounts")
        self._results: dict[object, Any] = {}

    def once(self, key: object, compute: Callable[[], T]) -> T:
        """Return the result stored under a key; compute and store it the first time."""
        if key not in self._results:
            self._results[key] = compute()
        result: T = self._results[key]
        return result

    def keep(self, function: Callable[..., T], result: T) -> None:
        """Keep the result of a function of `computed_once` that only takes a history, where it is known already.

        >>> @computed_once
        ... def rows(history): return history.pins.height
        >>> history = LoadedHistory(pl.DataFrame({"saves": [1, 2]}))
        >>> history.keep(rows, 3)
        >>> rows(history)
        3
        """
        self._results[function.__wrapped__,] = result  # type: ignore[attr-defined] # of `wraps`


def computed_once(function: Callable[Concatenate[H, P], T]) -> Callable[Concatenate[H, P], T]:
    """Decorate a pure function of a history and immutable arguments, so that it computes each result once per history.

    >>> @computed_once
    ... def rows(history): print("counted"); return history.pins.height
    >>> history = LoadedHistory(pl.DataFrame({"saves": [1, 2]}))
    >>> rows(history), rows(history)
    counted
    (2, 2)
    """
    parameters = signature(function)

    @wraps(function)
    def computed(history: H, /, *args: P.args, **kwargs: P.kwargs) -> T:
        bound = parameters.bind(history, *args, **kwargs)
        bound.apply_defaults()
        _, *given = bound.arguments.values()
        key = (function, *(tuple(value) if isinstance(value, list) else value for value in given))
        return history.once(key, lambda: function(history, *args, **kwargs))

    return computed


def _or_empty(frame: pl.DataFrame | None, relation: str) -> pl.DataFrame:
    return pl.DataFrame(schema=TABLES[relation].schema) if frame is None else frame
