"""The connector's config from a file and the environment."""

import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from oneup_pinterest.errors import UserError
from source_oneup_pinterest.source import SourceOneupPinterest

KEY_VARIABLE = "ONEUP_API_KEY"
DEFAULT_CONFIG = Path("secrets/config.json")


def read_config(path: Path | None, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the config in `path` (`-`: standard input), with the key of `ONEUP_API_KEY` where that is set.

    Without a path it is `secrets/config.json`, which may be missing where the environment has the key.

    Raises:
        UserError: the file is missing, unreadable or no JSON object (exit status 2).
    """
    key = environment.get(KEY_VARIABLE, "").strip()
    if path is None and not DEFAULT_CONFIG.exists() and key:
        return {"api_key": key}
    path = path or DEFAULT_CONFIG
    if str(path) != "-" and not path.exists():
        raise UserError(
            f'There is no config file {path}: write {{"api_key": "..."}} into it, name another with --config, '
            f"or set {KEY_VARIABLE}.",
            exit_status=2,
        )
    try:
        config = dict(SourceOneupPinterest.read_config(str(path)))
    except AirbyteTracedException as error:
        raise UserError(error.message or str(error), exit_status=2) from None
    return {**config, "api_key": key} if key else config


def warning_about(path: Path | None) -> str | None:
    """A sentence for a config file that other users of this machine can read, and with it the key; else None.

    The key may stand in the environment alone, but a file that nobody can read is right in any case. Windows has no
    such modes: there every file would seem to be readable.
    """
    path = path or DEFAULT_CONFIG
    if os.name == "nt" or not path.is_file() or not path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    return (
        f"Other users of this machine can read the config file {path}, which holds your key: "
        f"run `chmod 600 {shlex.quote(str(path))}`."
    )
