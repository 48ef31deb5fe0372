"""Read the config, catalog and state files; each problem is reported in one sentence."""

import codecs
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airbyte_cdk.models import (
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest.components.errors import config_error
from source_oneup_pinterest.components.log import LOGGER

RESET = "Start without a state, or reset (clear) the streams where a platform keeps it"
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_json(path: str | Path, what: str) -> Any:
    """Return the JSON in a file, or on standard input where `path` is `-`.

    The file is UTF-8, or UTF-16 with a byte order mark, as PowerShell's `>` writes it.

    Raises:
        AirbyteTracedException: a config error that names the file, and line and column of invalid JSON, but no content
            of the file.
    """
    file = "on standard input" if str(path) == "-" else f"file {path}"
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()
    except OSError as error:
        raise config_error(f"The {what} {file} cannot be read: {error.strerror}.") from None
    except ValueError:  # the path has a NUL
        raise config_error(f"The {what} {file!r} cannot be read: this is not a path.") from None
    try:
        text = content.decode("utf-16" if content.startswith(UTF_16_MARKS) else "utf-8-sig")
        return json.loads(text)
    except UnicodeDecodeError:
        raise config_error(f"The {what} {file} is not text in UTF-8: save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        cause = likely_cause(text, error.pos)
        raise config_error(
            f"The {what} {file} is not valid JSON: line {error.lineno}, column {error.colno}: {cause or error.msg}."
        ) from None
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        raise config_error(
            f"The {what} {file} is not valid JSON: it is nested too deeply or has a number too long."
        ) from None


def likely_cause(text: str, place: int) -> str | None:
    """Return what is probably wrong at the place where the JSON parser stopped, or None."""
    before, rest = text[:place].rstrip(), text[place:].lstrip()
    if not text.strip():
        return "the file is empty"
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments, so remove this one"
    if before.endswith(",") and rest[:1] in ("}", "]"):
        return "there is an extra comma before the closing bracket"
    if rest.startswith(",") and re.match(r",\s*[}\]]", rest):
        return "there is an extra comma before the closing bracket"
    if rest[:1] in ("'", "“", "”", "‘", "’", "„"):
        return 'strings and keys need straight double quotes ("), so replace these'
    if re.match(r"(True|False|None)\b", rest):
        return "JSON writes true, false and null in lower case"
    if before and rest.startswith('"') and before[-1] not in "{[:,":
        return "a comma is missing before this"
    if before.endswith(("{", ",")) and re.match(r"\w+\s*:", rest):
        return "keys need double quotes"
    return "the file ends before its last bracket" if not rest else None


def config_of(path: str) -> dict[str, Any]:
    """Return the config in a file."""
    config = read_json(path, "config")
    if not isinstance(config, dict):
        raise config_error(f'The config file {path} must hold a JSON object such as {{"api_key": "…"}}.')
    return config


def catalog_of(path: str) -> ConfiguredAirbyteCatalog:
    """Return the configured catalog in a file."""
    content = read_json(path, "catalog")
    try:
        return ConfiguredAirbyteCatalogSerializer.load(content)
    except Exception as error:  # the CDK's models raise many exception types
        raise config_error(
            f"The catalog file {path} is not valid: {_fault(error)}. Make it from the streams that `discover` prints."
        ) from None


def state_of(path: str) -> list[AirbyteStateMessage]:
    """Return the states in a file."""
    try:
        content = read_json(path, "state")
    except AirbyteTracedException as error:
        raise config_error(f"{error.message} {RESET}.") from None
    if content and not isinstance(content, list):
        raise config_error(
            f"The state file {path} must hold a list of states of type STREAM, as this connector writes them. {RESET}."
        )
    try:
        return [AirbyteStateMessageSerializer.load(entry) for entry in content or ()]
    except Exception as error:  # the CDK's models raise many exception types
        raise config_error(f"The state file {path} is not valid: {_fault(error)}. {RESET}.") from None


def _fault(error: Exception) -> str:
    """Return where the CDK's models found a problem, without Python terms."""
    for item in getattr(error, "errors", ()):
        if not item.instance_path:
            return "an object is expected"
        what = "missing" if "required property" in item.message else "not of Airbyte's protocol"
        return f"`{item.instance_path}` is {what}"
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def require_streams(catalog: ConfiguredAirbyteCatalog, existing: Iterable[str]) -> None:
    """Refuse a catalog that has no known stream, or has one twice; log unknown streams."""
    names = Counter(configured.stream.name for configured in catalog.streams)
    if twice := [name for name, count in names.items() if count > 1]:
        raise config_error(f"The catalog names {_listed(twice)} more than once: name each stream once.")
    known = list(existing)
    existing_streams = f"There are {', '.join(known)}."
    unknown = [name for name in names if name not in known]
    message = f"The catalog names streams that do not exist: {_listed(unknown)}. {existing_streams}"
    if len(unknown) < len(names):
        if unknown:
            LOGGER.warning(message)
        return
    if not unknown:
        message = f"The catalog names no stream. {existing_streams}"
    LOGGER.error(message)
    raise config_error(message)


def require_state_by_stream(state: Iterable[AirbyteStateMessage]) -> None:
    """Refuse a state that is not per stream: another connector or a person wrote it."""
    for message in state:
        state_type = message.type.value if message.type else "LEGACY"
        if not message.stream:
            what = "names no stream" if state_type == "STREAM" else f"is of type {state_type}"
            raise config_error(
                f"The state {what}, but this connector keeps one state of type STREAM per stream. {RESET}."
            )


def accounts_of(state: Iterable[AirbyteStateMessage]) -> list[str]:
    """Return the accounts that have a cursor in a state, because they were read before."""
    found: dict[str, None] = {}
    for message in state:
        blob = message.stream.stream_state if message.stream else None
        entries = getattr(blob, "states", None)
        for entry in entries if isinstance(entries, list) else ():
            partition = entry.get("partition") if isinstance(entry, Mapping) else None
            account = partition.get("social_network_id") if isinstance(partition, Mapping) else None
            if isinstance(account, str):
                found[account] = None
    return list(found)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" if name.isprintable() else ascii(name) for name in names)
