"""Run the tools that schedulers come with, and write the files that they read."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oneup_pinterest.errors import UserError

Run = Callable[..., subprocess.CompletedProcess[Any]]  # as subprocess.run
ENCODINGS = {".xml": "utf-16"}  # with a byte order mark, which `schtasks` asks for


def run_tool(
    run: Run, command: Sequence[str], stdin: bytes | None = None, check: bool = True
) -> tuple[int, bytes, str]:
    """Run a command; return its exit status, its output and the last line of its messages.

    Raises:
        UserError: The tool is not installed, or it failed and `check` is true.
    """
    try:
        ended = run(list(command), input=stdin, capture_output=True, check=False)
    except OSError:
        raise UserError(f"The program {command[0]} is not installed here: choose another kind of schedule.") from None
    lines = (ended.stderr or b"").decode(errors="replace").strip().splitlines()
    message = lines[-1].strip() if lines else f"exit status {ended.returncode}"
    if check and ended.returncode:
        raise UserError(f"`{' '.join(command)}` failed: {message.rstrip('.')}.")
    return ended.returncode, ended.stdout or b"", message


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write each text into the folder, in the encoding that its reader wants; return the paths.

    Raises:
        UserError: The folder cannot be written.
    """
    paths = [folder / name for name in texts]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_bytes(text.encode(ENCODINGS.get(path.suffix, "utf-8")))
    except OSError as error:
        raise UserError(f"Cannot write {error.filename or folder}: {error.strerror}.") from None
    return paths
