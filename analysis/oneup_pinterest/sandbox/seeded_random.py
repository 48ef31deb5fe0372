"""Chance that repeats itself: the same key gives the same draws, on any machine and any day."""

from __future__ import annotations

import random


def chance(*key: object) -> random.Random:
    """A generator for one thing of the made-up world, named by `key`.

    >>> chance(7, "an account", 1).random() == chance(7, "an account", 1).random()
    True
    """
    return random.Random("/".join(map(str, key)))  # noqa: S311 - data is made up here, not keys
