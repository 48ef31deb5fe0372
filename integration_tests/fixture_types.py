"""Types of the fixtures in conftest.py that return functions."""

from collections.abc import Callable
from pathlib import Path

Days = Callable[[int], None]
FirstSync = Callable[..., Path]
