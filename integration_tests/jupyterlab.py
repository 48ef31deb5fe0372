"""A JupyterLab on this machine alone, started as people start it, for the tests and pictures of notebooks."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from test_support.paths import ROOT

MOST_SECONDS = 120  # that anything here takes, on a machine with other things to do
# The last lines of its status bar and of each cell, by which a reader knows that it is done
_IDLE = "Python 3 (ipykernel) | Idle"
_ALL_RUN = """[...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .every(prompt => /^\\[\\d+\\]/.test(prompt.textContent))"""
_SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight are drawn too
}


@contextmanager
def run_jupyterlab(folder: Path, database: Path) -> Iterator[str]:
    """Copy the checkout's package and notebooks to `folder` and run `oneup-pinterest notebooks` on the copy.

    Yields the address. The notebooks are in `folder/notebooks`; what else is put there can be opened too. Nothing of
    the user's Jupyter is read or written, and nothing is asked of a network.
    """
    for name in ("analysis", "notebooks"):
        shutil.copytree(
            ROOT / name,
            folder / name,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    config = {
        # if another took the port meanwhile this one must end, or the test would talk to the other
        "ServerApp": {"ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False},
        "LabApp": {
            "open_browser": False,
            "news_url": None,
            "extension_manager": "readonly",
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        },
        "IdentityProvider": {"token": ""},
    }
    own = {
        "HOME": folder / "home",
        "PYTHONPATH": folder / "analysis",
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
    }
    _write(folder / "config" / "jupyter_server_config.json", config)
    for name, settings in _SETTINGS.items():
        _write(_settings(folder, name), settings)
    log = folder / "jupyterlab.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "oneup_pinterest.cli", "notebooks", "--database", str(database)],
            cwd=folder,
            env={**os.environ, **{name: str(path) for name, path in own.items()}},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(address, server, log)
        yield address
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)  # the command and the JupyterLab that it started
            server.wait(MOST_SECONDS)
            _wait_for_end(address)


def open_notebook(browser: Any, address: str, path: str) -> Any:
    """Return the page of a notebook, once its kernel waits for work; nothing has been run in it."""
    page = browser.new_page()
    page.set_default_timeout(MOST_SECONDS * 1000)
    # in the default workspace it would open those of before as well; a name with a dot it does not find
    page.goto(f"{address}/lab/workspaces/{Path(path).stem}/tree/{path}")
    page.get_by_text(_IDLE).wait_for()
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    return page


def run_all_cells(page: Any) -> None:
    """Choose *Run → Run All Cells* and wait until each has been run; the last charts may still be drawn."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(_ALL_RUN)
    page.get_by_text(_IDLE).wait_for()


def choose_theme(folder: Path, theme: str) -> None:
    """For the pages that are opened from now on: `JupyterLab Light` or `JupyterLab Dark`."""
    _write(_settings(folder, "apputils-extension/themes"), {"theme": theme})


def _settings(folder: Path, name: str) -> Path:
    return folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = monotonic() + MOST_SECONDS
    while True:
        try:
            urlopen(f"{address}/api").close()
            return
        except (URLError, ConnectionError):
            if server.poll() is not None or monotonic() > end:
                raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text()}") from None
            sleep(0.1)


def _wait_for_end(address: str) -> None:
    """Until its kernels are ended too, and nobody writes into the folder any more."""
    end = monotonic() + MOST_SECONDS
    while monotonic() < end:
        try:
            urlopen(f"{address}/api", timeout=MOST_SECONDS).close()
        except (URLError, ConnectionError, HTTPException):
            return
        sleep(0.1)
