"""Run JupyterLab on this machine, as users start it, for the tests and pictures of notebooks."""

import json
import os
import re
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

TIMEOUT_SECONDS = 240  # for any step, on a busy machine
# How the page shows that the kernel and the cells are done
_IDLE = "Python 3 (ipykernel) | Idle"
_ALL_RUN = """[...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .every(prompt => /^\\[\\d+\\]/.test(prompt.textContent))"""
_SETTINGS: dict[str, dict[str, Any]] = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells outside the window are drawn too
}


@contextmanager
def run_jupyterlab(folder: Path, database: Path) -> Iterator[str]:
    """Copy the checkout's package and notebooks to `folder` and run `oneup-pinterest notebooks` on the copy.

    Yields the address. The notebooks are in `folder/notebooks`; other files there can be opened too. Reads and writes
    nothing of the user's Jupyter and sends no request to other machines.
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
        # if another process takes the port, this server must end, or the test would talk to the wrong one
        "ServerApp": {"ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False},
        "LabApp": {"open_browser": False, "extension_manager": "readonly"},
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
            os.killpg(server.pid, signal.SIGTERM)  # the command and its JupyterLab
            server.wait(TIMEOUT_SECONDS)
            _wait_for_end(address)


def open_notebook(browser: Any, address: str, path: str) -> Any:
    """Open a notebook and return its page once the kernel is idle; no cell has run yet."""
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_SECONDS * 1000)
    # the default workspace also opens earlier notebooks; a workspace name must not have a dot
    page.goto(f"{address}/lab/workspaces/{Path(path).stem}/tree/{path}")
    _wait_for_kernel(page)
    return page


def open_lab(browser: Any, address: str) -> Any:
    """Open JupyterLab where it opens by itself, and return its page once the kernel of a notebook is idle."""
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_SECONDS * 1000)
    page.goto(address)
    _wait_for_kernel(page)
    return page


def run_all_cells(page: Any) -> None:
    """Choose *Run → Run All Cells* and wait until each cell has run; the last charts may still be loading."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(_ALL_RUN)
    page.get_by_text(_IDLE).wait_for()


def save_notebook(page: Any) -> None:
    """Choose *File → Save Notebook* and wait until the file holds what the page shows."""
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Save Notebook(?! As)")).click()
    page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached")


def _wait_for_kernel(page: Any) -> None:
    page.get_by_text(_IDLE).wait_for()
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()


def choose_theme(folder: Path, theme: str) -> None:
    """Set the theme of pages that are opened later: `JupyterLab Light` or `JupyterLab Dark`."""
    _write(_settings(folder, "apputils-extension/themes"), {"theme": theme})


def _settings(folder: Path, name: str) -> Path:
    return folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            urlopen(f"{address}/api").close()
            return
        except (URLError, ConnectionError):
            if server.poll() is not None or monotonic() > end:
                raise RuntimeError(f"JupyterLab does not respond:\n{log.read_text()}") from None
            sleep(0.1)


def _wait_for_end(address: str) -> None:
    """Wait until its kernels have ended too, so that nothing writes into the folder any more."""
    end = monotonic() + TIMEOUT_SECONDS
    while monotonic() < end:
        try:
            urlopen(f"{address}/api", timeout=TIMEOUT_SECONDS).close()
        except (URLError, ConnectionError, HTTPException):
            return
        sleep(0.1)
