"""The command line of the connector: the four verbs of every Airbyte source."""

import sys
from typing import Any

from source_oneup_pinterest.start import start_quickly

start_quickly()

from airbyte_cdk.entrypoint import AirbyteEntrypoint, launch
from airbyte_cdk.models import AirbyteMessageSerializer, FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from orjson import dumps

from source_oneup_pinterest.components import config_error
from source_oneup_pinterest.source import SourceOneupPinterest


def run() -> None:
    """Runs `spec`, `check`, `discover` or `read` with the process's arguments; stdout holds messages only."""
    arguments = sys.argv[1:]
    parsed = AirbyteEntrypoint.parse_args(arguments)
    if not parsed.command:
        AirbyteEntrypoint.parse_args(["--help"])
    try:
        source = SourceOneupPinterest(
            catalog=_read("catalog", parsed, SourceOneupPinterest.read_catalog),
            config=_read("config", parsed, SourceOneupPinterest.read_config),
            state=_read("state", parsed, SourceOneupPinterest.read_state),
        )
    except AirbyteTracedException as error:
        _stop(error, parsed.command)
    else:
        launch(source, arguments)


def _read(option: str, parsed: Any, reader: Any) -> Any:
    path = getattr(parsed, option, None)
    if not path:
        return None
    try:
        return reader(path)
    except OSError as error:
        raise config_error(f"The {option} file {path} cannot be read: {error.strerror}.") from None
    except Exception as error:  # whatever the CDK's models find wrong in it
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise config_error(f"The {option} file {path} is not valid: {what}.") from None


def _stop(error: AirbyteTracedException, command: str) -> None:
    # as the platform wants it: a bad config fails a check, and breaks everything else
    failed_check = command == "check" and error.failure_type == FailureType.config_error
    status = error.as_connection_status_message() if failed_check else None
    message = status or error.as_sanitized_airbyte_message()
    print(dumps(AirbyteMessageSerializer.dump(message)).decode(), flush=True)
    sys.exit(0 if failed_check else 1)
