"""Count and log dropped data."""

import json
from typing import Any

from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets

from .log import LOGGER
from .payload import json_type_name
from .sync_context import SyncContext

TOO_DEEP = "nested too deeply"


class DroppedData:
    """Collect the rows and values of a response that could not be kept, and log each problem with an example.

    The log arguments of such a warning are the count first and the example last, so that readers can add them up.
    """

    def __init__(self, context: SyncContext, url: str, stream: str) -> None:
        self._context = context
        self._url = url
        self._stream = stream
        self._found: dict[tuple[str, ...], tuple[int, str]] = {}

    def add_row(self, what: str, example: Any) -> None:
        self._add(("Left out %d %s from %s, for example %s.", what, self._stream), example)

    def add_value(self, name: str, problem: str, sent: Any) -> None:
        """Count a value that was sent and is null in its record; blank values drop nothing."""
        if not is_blank(sent):
            text = "%d values of `%s` in %s are %s and were left empty, for example %s."
            self._add((text, name, self._stream, problem), sent)

    def log(self) -> None:
        """Log each problem once per response, even if several streams read the response."""
        for (message, *details), (count, example) in self._found.items():
            if self._context.is_first(self._url, message, *details):
                LOGGER.warning(message, count, *details, example)

    def _add(self, problem: tuple[str, ...], example: Any) -> None:
        count, first = self._found.get(problem) or (0, _example(example))
        self._found[problem] = count + 1, first


def is_blank(value: Any) -> bool:
    """Return whether a value is null or blank text."""
    return value is None or (isinstance(value, str) and not value.strip())


def _example(value: Any) -> str:
    """Return the start of a value in ASCII characters that no terminal interprets as a command."""
    if isinstance(value, (dict, list)):
        return json_type_name(value)
    text = filter_secrets(json.dumps(value[:1000] if isinstance(value, str) else value))
    return text if len(text) <= 40 else text[:37] + "..."
