"""Normalize a config to the types of the spec."""

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from airbyte_cdk.sources.declarative.transformations.config_transformations.config_transformation import (
    ConfigTransformation,
)

from .errors import config_error, quoted
from .log import LOGGER
from .payload import json_type_name
from .shard import shard_of

MAX_WHOLE_NUMBER_DIGITS = 9
NEAR_MISS_THRESHOLD = 0.8  # similarity: `start_dat` and `lookback_days` are above it, `start_time` is below
QUOTES = "\"'`“”„‟‘’‚‛«»‹›"
TYPOGRAPHIC_QUOTES = frozenset(QUOTES[3:])


@dataclass
class NormalizeConfig(ConfigTransformation):
    """Convert a config as forms and people write it to the types of the spec, or refuse it in one sentence.

    `parameters` has the properties of the spec, so that each key, type and bound is written once.
    """

    parameters: Mapping[str, Any]

    def transform(self, config: MutableMapping[str, Any]) -> None:
        properties: Mapping[str, Any] = self.parameters["properties"]
        if config and all(key.startswith("__") for key in config):
            return  # the manifest-only form loads its spec without a config
        _check_unknown_keys([key for key in config if key not in properties], properties)
        if config.get("api_key") is None:
            raise config_error(f"The config has no `api_key`: {properties['api_key']['description']}")
        config["api_key"] = _api_key(config["api_key"])
        for key in [key for key in properties if key in config and key != "api_key"]:
            value = _trimmed(config[key]) if isinstance(config[key], str) else config[key]
            if value in (None, ""):
                del config[key]
            else:
                config[key] = _typed(key, value, properties[key])
        shard_of(config)  # refuses an invalid one


def _check_unknown_keys(keys: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a misspelled key, and log others, because a key of another version must not stop a nightly sync."""
    unknown = [key for key in keys if not key.startswith("__")]  # the platform's keys start so
    for key in unknown:
        nearest = max(known, key=lambda name: _similarity(key, name))
        if _similarity(key, nearest) >= NEAR_MISS_THRESHOLD:
            raise config_error(f"The config has a key {quoted(key)}, which does not exist: did you mean `{nearest}`?")
    if unknown:
        LOGGER.warning(
            "Ignored config keys that this version does not have: "
            + ", ".join(map(quoted, unknown))
            + f". It has {', '.join(known)}."
        )


def _similarity(one: str, other: str) -> float:
    plain, wanted = (re.sub("[^a-z0-9]", "", text.casefold()) for text in (one, other))
    return difflib.SequenceMatcher(None, plain, wanted, autojunk=False).ratio()


def _is_invisible(character: str) -> bool:
    """Return whether a character is a space or invisible, such as U+200B, U+FEFF or U+00AD."""
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs")


def _trimmed(text: str, also: str = "") -> str:
    """Return text without invisible characters, and those of `also`, at its ends."""
    kept = [place for place, character in enumerate(text) if not _is_invisible(character) and character not in also]
    return text[kept[0] : kept[-1] + 1] if kept else ""


def _api_key(value: Any) -> str:
    if not isinstance(value, str):
        raise config_error('`api_key` must be text in quotation marks, such as "a1b2c3".')  # a key is never repeated
    key, before = value, None
    while key != before:
        before, key = key, re.sub(r"(?i)\Abearer(\s+|\Z)", "", _trimmed(key, QUOTES))
    if not key:
        raise config_error("`api_key` is blank: copy the key from https://www.oneupapp.io/api-access.")
    for place, character in enumerate(key, start=1):
        if (_is_invisible(character) and character != " ") or character in TYPOGRAPHIC_QUOTES:
            name = unicodedata.name(character, "line break" if character in "\r\n" else "control character").lower()
            raise config_error(
                f"`api_key` has a {name} (U+{ord(character):04X}) inside, as character {place}: copy the key again "
                "from https://www.oneupapp.io/api-access."
            )
    return key


def _typed(key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value in the type of the spec; unambiguous text for a number or one id is accepted."""
    if schema["type"] == "array":
        return _ids(key, value, schema)
    if schema["type"] == "integer":
        return _whole_number(key, value, schema)
    return value


def require_listed_values(config: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
    """Refuse a value outside its `enum`.

    Only the package does, because the CDK's standard tests expect the manifest-only form to find that in `check`.
    """
    for key, schema in properties.items():
        if "enum" in schema and key in config and config[key] not in schema["enum"]:
            *others, last = schema["enum"]
            raise config_error(f"`{key}` is {quoted(config[key])}: it must be {', '.join(others)} or {last}.")


def _ids(key: str, value: Any, schema: Mapping[str, Any]) -> list[str]:
    form = f"must be a list such as {json.dumps(schema['examples'][0])}"
    if isinstance(value, str):
        parts = [part for part in map(_trimmed, re.split(r"[,;\n\[\]\"]", value)) if part]
        if parts != [value]:
            raise config_error(f"`{key}` {form}, not one string: write {json.dumps(parts, ensure_ascii=False)}.")
        return [value]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if not isinstance(value, list):
        raise config_error(f"`{key}` {form}.")
    return [_id(key, place, item) for place, item in enumerate(value, start=1)]


def _id(key: str, place: int, item: Any) -> str:
    if isinstance(item, bool) or not isinstance(item, (str, int)):
        raise config_error(f'`{key}` must have strings such as "pin_abc"; entry {place} is {json_type_name(item)}.')
    account = _trimmed(str(item))
    if not account:  # to drop it would turn [""] into every account
        raise config_error(f"`{key}` has an empty entry {place}: remove it, or the whole list to read every account.")
    return account


def _whole_number(key: str, value: Any, schema: Mapping[str, Any]) -> int:
    low, high = schema["minimum"], schema.get("maximum")
    number = value
    if (isinstance(value, str) and re.fullmatch(rf"[+-]?[0-9]{{1,{MAX_WHOLE_NUMBER_DIGITS}}}", value)) or (
        isinstance(value, float) and value.is_integer()
    ):
        number = int(value)
    if type(number) is not int or number < low or (high is not None and number > high):
        bounds = f"a whole number from {low} to {high}" if high is not None else f"a whole number, {low} or more"
        raise config_error(f"`{key}` is {quoted(value)}: it must be {bounds}, such as {schema['examples'][0]}.")
    return number
