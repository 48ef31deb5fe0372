"""The command line of the connector: the four verbs of every Airbyte source."""

import logging
import os
import sys
from typing import Any

from source_oneup_pinterest.start import start_quickly, write_utf8

write_utf8()  # before the CDK keeps references to stdout and stderr
start_quickly()

from airbyte_cdk.entrypoint import AirbyteEntrypoint, launch
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, FailureType, Type
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from orjson import dumps

from source_oneup_pinterest.components.errors import traced
from source_oneup_pinterest.source import SourceOneupPinterest


def run() -> None:
    """Run `spec`, `check`, `discover` or `read` with the process's arguments; stdout has only messages."""
    logging.raiseExceptions = False  # otherwise a closed pipe causes a traceback per line
    arguments = sys.argv[1:]
    parsed = AirbyteEntrypoint.parse_args(arguments)
    if not parsed.command:
        AirbyteEntrypoint.parse_args(["--help"])
    try:
        try:
            _run(parsed, arguments)
        except AirbyteTracedException as error:
            _stop(error, parsed.command)
    except OSError as error:
        _leave("The reader of the output is gone" if isinstance(error, BrokenPipeError) else _cause(error))


def _run(parsed: Any, arguments: list[str]) -> None:
    if parsed.command == "spec":  # without the temporary folder that the CDK would create
        source = SourceOneupPinterest()
        _print(AirbyteMessage(type=Type.SPEC, spec=source.spec(source.logger)))
        return
    config = SourceOneupPinterest.read_config(parsed.config)
    catalog = SourceOneupPinterest.read_catalog(parsed.catalog) if parsed.command == "read" else None
    state = SourceOneupPinterest.read_state(parsed.state) if parsed.command == "read" else []
    source = SourceOneupPinterest(catalog=catalog, config=config, state=state)
    # the CDK reads each file again, but a pipe can be read only once
    source.read_config = lambda config_path: config  # type: ignore[method-assign]
    source.read_catalog = lambda catalog_path: catalog  # type: ignore[method-assign]
    source.read_state = lambda state_path: state  # type: ignore[method-assign]
    _require_temporary_folder()
    launch(source, arguments)


def _require_temporary_folder() -> None:
    import tempfile

    try:
        tempfile.gettempdir()
    except OSError:
        raise traced(
            "No temporary folder can be written, and OneUp's responses wait in one: let TMPDIR name a folder.",
            FailureType.system_error,
        ) from None


def _stop(error: AirbyteTracedException, command: str) -> None:
    # as the platform expects: an invalid config fails a check, and is an error of every other command
    failed_check = command == "check" and error.failure_type == FailureType.config_error
    status = error.as_connection_status_message() if failed_check else None
    _print(status or error.as_sanitized_airbyte_message())
    sys.exit(0 if failed_check else 1)


def _print(message: AirbyteMessage) -> None:
    print(dumps(AirbyteMessageSerializer.dump(message)).decode(), flush=True)


def _cause(error: OSError) -> str:
    return f"{error.filename or 'The output'} cannot be written: {error.strerror}"


def _leave(why: str) -> None:
    """Exit at once: pending requests and buffered output must not block the process or fail again."""
    try:
        print(f"{why}, so that the command stopped.", file=sys.__stderr__)
    finally:
        os._exit(1)
