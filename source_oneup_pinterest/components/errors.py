"""Errors that Airbyte shows to people."""

import json
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


def traced(message: str, failure_type: FailureType) -> AirbyteTracedException:
    """Return an error with the same message for people and for logs."""
    return AirbyteTracedException(message=message, internal_message=message, failure_type=failure_type)


def config_error(message: str) -> AirbyteTracedException:
    """Return an error that people fix in the config."""
    return traced(message, FailureType.config_error)


def quoted(value: Any) -> str:
    """Return a value that a person wrote, in backticks, on one line and at most 60 characters long."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    visible = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return f"`{visible}`" if len(visible) <= 60 else f"`{visible[:57]}...`"
