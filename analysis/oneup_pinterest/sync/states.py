"""The state in a file as the list that `main.py read --state` takes."""

import json
import uuid
from pathlib import Path

from oneup_pinterest.sync.writer import stored_states


def states_json(database: Path) -> str:
    """Return the state of each stream in `database` as Airbyte's JSON list, in one line.

    Raises:
        UserError: as `History`.
    """
    return json.dumps(
        [
            {"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}
            for name, state in sorted(stored_states(database).items())
        ],
        ensure_ascii=False,
    )


def write_states(database: Path, output: Path) -> None:
    """Write `states_json` into a file in one step: whoever reads it meanwhile reads the one of before.

    Raises:
        UserError: as `History`.
        OSError: the file cannot be written.
    """
    text = states_json(database)
    beside = output.with_name(f".{output.name}.{uuid.uuid4().hex}")
    try:
        beside.write_text(text + "\n", encoding="utf-8")
        beside.replace(output)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(output)) from None
