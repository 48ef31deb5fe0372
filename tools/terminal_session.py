"""Record what a new user sees: init, sync, status and report in a real terminal, against the sandbox.

python -m tools.terminal_session    writes the session into docs/getting-started.md (needs tmux)
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from oneup_pinterest.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "getting-started.md"
START, END = "<!-- session: made by `python -m tools.terminal_session` -->", "<!-- end of session -->"
WIDTH, HEIGHT = 110, 200
PROMPT = "$ "
SECONDS = 120  # at most, for one command
STEPS: tuple[tuple[str, list[str]], ...] = (  # what is typed, and the texts at which the next line is typed
    ("oneup-pinterest init", ["sandbox-key", "all"]),
    ("oneup-pinterest sync", []),
    ("oneup-pinterest status | head -16", []),
    ("oneup-pinterest report", []),
)
QUESTIONS = ("API key:", "[all]:")

Tmux = Callable[..., str]


def main() -> None:
    """Record the session and write it into the page."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(accounts=4) as sandbox:
        home = Path(folder) / "me"
        config = home / ".config" / "oneup-pinterest" / "config.json"
        config.parent.mkdir(parents=True)
        urls = {name: value for name, value in sandbox.config().items() if name.endswith("_url")}
        config.write_text(json.dumps(urls))
        screen = record(home, Path(sys.executable).parent)
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(START) + len(START)], text[text.index(END) :]
    PAGE.write_text(f"{before}\n```text\n{screen}\n```\n{after}", encoding="utf-8")


def record(home: Path, programs: Path) -> str:
    """Return what the terminal shows after every step; paths are shortened to ~."""
    socket = f"oneup-{os.getpid()}"

    def tmux(*arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-L", socket, *arguments], check=True, capture_output=True, text=True, timeout=60
        ).stdout

    environment = {"HOME": str(home), "PATH": f"{programs}:/usr/bin:/bin", "PS1": PROMPT, "LC_ALL": "C.UTF-8"}
    shell = f"env -i {' '.join(f'{name}={shlex.quote(value)}' for name, value in environment.items())} TERM=$TERM sh"
    tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), f"cd {shlex.quote(str(home))} && exec {shell}")
    try:
        for command, answers in STEPS:
            _wait(tmux, partial(_ends_with, PROMPT.strip()))
            _type(tmux, command)
            for question, answer in zip(QUESTIONS, answers, strict=False):
                _wait(tmux, partial(_ends_with, question))
                _type(tmux, answer)
        _wait(tmux, partial(_ends_with, PROMPT.strip()))
        screen = tmux("capture-pane", "-p")
    finally:
        tmux("kill-server")
    lines = [line.rstrip() for line in screen.replace(str(home), "~").splitlines()]
    return re.sub(r"\n+\$$", "", "\n".join(lines).strip())


def _ends_with(end: str, screen: str) -> bool:
    return screen.endswith(end)


def _type(tmux: Tmux, text: str) -> None:
    tmux("send-keys", "-l", text)
    tmux("send-keys", "Enter")
    time.sleep(0.5)


def _wait(tmux: Tmux, is_ready: Callable[[str], bool]) -> None:
    """Wait until the terminal shows what the next input is for."""
    deadline = time.monotonic() + SECONDS
    while not is_ready(tmux("capture-pane", "-p").strip()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the terminal shows:\n{tmux('capture-pane', '-p')}")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
