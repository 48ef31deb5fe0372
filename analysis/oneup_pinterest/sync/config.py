"""Read the connector's config from a file and the environment."""

import json
import os
import shlex
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from oneup_pinterest.errors import UserError
from source_oneup_pinterest.source import SourceOneupPinterest

KEY_VARIABLE = "ONEUP_API_KEY"


def read_config(path: Path, environment: Mapping[str, str] = os.environ, *, is_default: bool = False) -> dict[str, Any]:
    """Return the config in `path` (`-`: standard input), with the API key of `ONEUP_API_KEY` if that is set.

    A file that nobody named (`is_default`) may be missing if the environment has the key.

    Raises:
        UserError: The file is missing, unreadable or not a JSON object (exit status 2).
    """
    key = environment.get(KEY_VARIABLE, "").strip()
    try:
        is_there = str(path) == "-" or path.exists()
    except OSError as error:  # a folder that one may not enter
        raise UserError(f"The config file {path} cannot be read: {error.strerror}.", exit_status=2) from None
    if is_default and not is_there and key:
        return {"api_key": key}
    if not is_there:
        raise UserError(
            f"There is no config file {path}. Run `oneup-pinterest init` to write one, name another one with --config, "
            f"or set {KEY_VARIABLE}.",
            exit_status=2,
        )
    try:
        config = dict(SourceOneupPinterest.read_config(str(path)))
    except AirbyteTracedException as error:
        raise UserError(error.message or str(error), exit_status=2) from None
    return {**config, "api_key": key} if key else config


def permission_warning(path: Path) -> str | None:
    """Return a warning if other users of this machine can read the config file, and it holds the key; else None.

    Windows has no such permissions: there, every file would seem to be readable.
    """
    if os.name == "nt" or not path.is_file() or not path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    with suppress(OSError, ValueError):
        if not json.loads(path.read_text(encoding="utf-8-sig")).get("api_key"):
            return None  # the key comes from the environment
    return (
        f"Other users of this machine can read the config file {path}, which holds your API key. "
        f"Run `chmod 600 {shlex.quote(str(path))}`."
    )
