"""Files that many tests start from are built once per worker; each test gets a copy."""

import shutil
import tempfile
from collections.abc import Callable
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Concatenate, ParamSpec

P = ParamSpec("P")
Build = Callable[Concatenate[Path, P], Path]

_folder = tempfile.TemporaryDirectory(prefix="built_once_")  # removed when the worker ends


def built_once(build: Build[P]) -> Build[P]:
    """Let `build(path, …)` build a file only once per set of arguments, and copy it for each call."""
    built: dict[str, Path] = {}

    @wraps(build)
    def copy(path: Path, *args: P.args, **kwargs: P.kwargs) -> Path:
        bound = signature(build).bind(path, *args, **kwargs)
        bound.apply_defaults()
        key = repr(list(bound.arguments.items())[1:])
        if key not in built:
            original = Path(_folder.name) / f"{build.__name__}_{len(built)}.duckdb"
            built[key] = build(original, *args, **kwargs)
        shutil.copyfile(built[key], path)
        return path

    return copy
