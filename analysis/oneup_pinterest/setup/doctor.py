"""Examine an installation: versions, paths, permissions, time zone, OneUp, disk space; and bundle that for support."""

import json
import os
import platform
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.place import Place, place_of
from oneup_pinterest.errors import UserError
from oneup_pinterest.files import replaced_file
from oneup_pinterest.formatting import format_count
from oneup_pinterest.sync.config import KEY_VARIABLE, permission_warning, read_config
from source_oneup_pinterest.components.session import encodings_of_key

PACKAGES = ("source-oneup-pinterest", "airbyte-cdk", "duckdb", "polars", "altair", "jupyterlab")
MIN_FREE = 500 << 20  # bytes; a year of 10,000 pins takes less than 200 MB
OK, WARNING, FAILURE = "ok", "warning", "FAILED"
CONFIG_KEYS_SHOWN = (
    "shard",
    "preset",
    "start_date",
    "timezone",
    "pins_lookback_days",
    "num_workers",
    "max_requests_per_minute",
)


class ConfigFound(NamedTuple):
    """A config as it was read once, because standard input cannot be read again; or why it cannot be read."""

    path: Path
    values: Mapping[str, Any]
    error: str = ""

    @property
    def place(self) -> str:
        """Where the config is, in a sentence."""
        return "standard input" if str(self.path) == "-" else str(self.path)


def find_config(path: Path) -> ConfigFound:
    """Read a config; a file that cannot be read is a result, too.

    >>> find_config(Path("nowhere.json")).error.split(".")[0]
    'There is no config file nowhere'
    """
    try:
        return ConfigFound(path, read_config(path, is_default=True))
    except UserError as error:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        return ConfigFound(path, {"api_key": key} if key else {}, str(error))


class Check(NamedTuple):
    """One thing that was examined: what it is, what was found, and what to do about it (empty if nothing)."""

    mark: str
    what: str
    found: str
    what_to_do: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether it keeps the kit from working."""
        return self.mark == FAILURE


def examine(config: ConfigFound, database: Place) -> list[Check]:
    """Return what was found, in a fixed order. Nothing is written; OneUp gets at most one request."""
    return [
        *_versions(),
        _time_zone(),
        *_config(config),
        *(_lake(database) if isinstance(database, Lake) else [*_database(database), _free_space(database)]),
    ]


def _versions() -> Iterator[Check]:
    yield Check(OK, "Python", f"{platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        try:
            yield Check(OK, name, version(name))
        except PackageNotFoundError:
            needed_for = "notebooks" if name == "jupyterlab" else "analysis"
            yield Check(
                WARNING, name, "not installed", f"pip install 'source-oneup-pinterest[{needed_for}]', if you need it."
            )


def _time_zone() -> Check:
    now = datetime.now(UTC).astimezone()
    return Check(OK, "time", f"{now:%Y-%m-%d %H:%M} {now.tzname()} here, {datetime.now(UTC):%H:%M} UTC")


def _config(config: ConfigFound) -> Iterator[Check]:
    """Yield checks of the config, of its time zone, and of OneUp with its key."""
    if config.error:
        yield Check(FAILURE, "config", config.place, config.error)
        return
    if not config.values.get("api_key"):
        yield Check(FAILURE, "config", f"{config.place} has no key", "Run `oneup-pinterest init`.")
        return
    zone = str(config.values.get("timezone") or "UTC")
    if advice := _time_zone_problem(zone):
        yield Check(FAILURE, "timezone", zone, advice)
        return
    from oneup_pinterest.sync.connector import Connector

    try:
        Connector(config.values, {})
    except UserError as error:
        yield Check(FAILURE, "config", config.place, str(error))
        return
    source = f"the key comes from {KEY_VARIABLE}" if os.environ.get(KEY_VARIABLE) else "it holds a key"
    is_missing = str(config.path) != "-" and not config.path.exists()
    warning = permission_warning(config.path)
    found = f"{'no file' if is_missing else config.place}, {source}"
    yield Check(WARNING if warning else OK, "config", found, warning or "")
    yield Check(OK, "timezone", f"{zone}: a day there decides which day yesterday is")
    yield _oneup(config.values)


def _time_zone_problem(zone: str) -> str:
    """Return what to do if a time zone is not known here; nothing if it is."""
    for name, advice in (
        ("Europe/Berlin", "This machine has no time zones: pip install tzdata."),
        (zone, "Write an IANA name such as Europe/Berlin into the config."),
    ):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return advice
    return ""


def _oneup(config: Mapping[str, Any]) -> Check:
    from oneup_pinterest.setup.first_config import list_accounts, lost_accounts

    started = time.monotonic()
    try:
        listed = list_accounts(config)
    except UserError as error:
        return Check(FAILURE, "OneUp", f"no list of accounts after {time.monotonic() - started:.1f} s", str(error))
    seconds = time.monotonic() - started
    found = f"answered in {seconds:.1f} s, lists {format_count(len(listed), 'Pinterest account')}"
    if lost := lost_accounts(listed):
        return Check(WARNING, "OneUp", found, f"Connect again in OneUp: {lost}.")
    return Check(OK, "OneUp", found)


def _database(path: Path) -> Iterator[Check]:
    if not path.exists():
        folder = _nearest_folder(path)
        if os.access(folder, os.W_OK):
            yield Check(WARNING, "database", f"{path} does not exist", "Run `oneup-pinterest sync`.")
        else:
            advice = "Change the permissions of the folder, or name another file with --database."
            yield Check(FAILURE, "database", f"{path} does not exist, and you may not write to {folder}", advice)
        return
    may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    size = f"{path.stat().st_size / 1e6:,.1f} MB"
    if not may_write:
        yield Check(
            WARNING, "database", f"{path}, {size}, read-only for you", "A sync needs to write the file and its folder."
        )
    try:
        status = _status(path)
    except UserError as error:
        yield Check(FAILURE, "database", f"{path}, {size}", str(error))
        return
    yield _synced(status, f"{path}, {size}")


def _lake(lake: Lake) -> Iterator[Check]:
    try:
        status = _status(lake)
    except UserError as error:
        yield Check(FAILURE, "database", str(lake), str(error))
        return
    yield _synced(status, f"{lake}, {status['size_bytes'] / 1e6:,.1f} MB")


def _synced(status: Mapping[str, Any], what: str) -> Check:
    last = status["freshness"]["last_sync"]
    serious = [finding for finding in status["findings"] if finding["severity"] != "info"]
    advice = f"{format_count(len(serious), 'finding')}: run `oneup-pinterest status`." if serious else ""
    return Check(
        WARNING if serious else OK,
        "database",
        f"{what}, last sync {last[:16].replace('T', ' ') + ' UTC' if last else 'never'}",
        advice,
    )


def _status(path: Place) -> dict[str, Any]:
    from oneup_pinterest.quality.status import read_status

    return read_status(path)


def _free_space(database: Path) -> Check:
    folder = _nearest_folder(database)
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:,.1f} GB free in {folder}"
    return Check(OK, "disk", found) if free > MIN_FREE else Check(WARNING, "disk", found, "Free some space.")


def _nearest_folder(path: Path) -> Path:
    return next(parent for parent in path.parents if os.access(parent, os.F_OK))


def write_bundle(target: Path, found: list[Check], config: ConfigFound, database: Place) -> None:
    """Write a zip file for support: the checks, the status of the database, and the config without key and accounts.

    It holds no key, no text of a pin and no figures of pins. Names and ids of accounts are in the findings.

    Raises:
        UserError: the file cannot be written.
    """
    files = {"checks.json": [check._asdict() for check in found], "config.json": _without_secrets(config)}
    try:
        files["status.json"] = _status(place_of(database))
    except UserError as error:
        files["status.json"] = {"error": str(error)}
    text = {name: json.dumps(value, indent=2, default=str) for name, value in files.items()}
    for form in encodings_of_key(str(config.values.get("api_key") or "")):
        text = {name: value.replace(form, "****") if form else value for name, value in text.items()}
    with replaced_file(target) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, value in text.items():
            bundle.writestr(name, value)


def _without_secrets(config: ConfigFound) -> dict[str, Any]:
    if config.error:
        return {"error": config.error}
    return {name: config.values[name] for name in CONFIG_KEYS_SHOWN if name in config.values}
