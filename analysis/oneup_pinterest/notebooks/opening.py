"""Start JupyterLab on the notebooks with the chosen database."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from oneup_pinterest.database.reader import Database, open_history
from oneup_pinterest.errors import UserError
from oneup_pinterest.notebooks.choice import CHOICE_VARIABLE, environment_of

COPIES = Path("oneup_pinterest_notebooks")
FIRST = "00_start_here.ipynb"

_HERE = Path(__file__).resolve().parent
_PACKAGED = _HERE.parent / "notebook_files"  # pyproject.toml puts them there in a wheel
_CHECKED_OUT = _HERE.parents[2] / "notebooks"
# Its labconfig/ has our defaults: no request for news, and long lines of code wrap. Settings of the user come first.
_JUPYTER_CONFIG = _HERE / "jupyter"


def open_notebooks(database: Database) -> None:
    """Start JupyterLab in this terminal on the first notebook, and return when it is stopped.

    From a checkout it opens the repository's notebooks; from an installed package, copies of them in
    `./oneup_pinterest_notebooks`, where existing files stay as they are. What `choose` keeps is forgotten at the end.

    Raises:
        UserError: JupyterLab is not installed or ended with an error, or `database` cannot be read.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise UserError('JupyterLab is not installed: pip install "source-oneup-pinterest[notebooks]"')
    with open_history(database):  # report a problem now, not in a cell
        pass
    folder = notebook_folder()
    command = [sys.executable, "-m", "jupyterlab", str(folder), f"--LabApp.default_url=/lab/tree/{FIRST}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # root is deliberate here, mostly in a container
    config = [os.environ.get("JUPYTER_CONFIG_PATH"), str(_JUPYTER_CONFIG)]  # the first wins
    with TemporaryDirectory(prefix="oneup_pinterest_") as kept:
        environment = {
            **os.environ,
            **environment_of(database),
            CHOICE_VARIABLE: str(Path(kept) / "choice.json"),
            "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, config)),
        }
        try:
            status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 # our own interpreter
        except KeyboardInterrupt:  # Ctrl-C stops JupyterLab
            return
    if status > 0:
        raise UserError(f"JupyterLab ended with exit status {status}; its messages above say why.")


def notebook_folder() -> Path:
    """Return the folder of the notebooks; create it from the packaged ones if there is no checkout.

    Raises:
        UserError: the package came without notebooks, or the copies cannot be written.

    >>> (notebook_folder() / "00_start_here.ipynb").exists()
    True
    """
    if _PACKAGED.is_dir():
        try:
            COPIES.mkdir(exist_ok=True)
            for source in sorted(_PACKAGED.glob("*.ipynb")):
                if not (COPIES / source.name).exists():
                    shutil.copyfile(source, COPIES / source.name)
        except OSError as error:
            raise UserError(f"The notebooks cannot be copied to {COPIES}: {error.strerror}.") from None
        return COPIES
    if not _CHECKED_OUT.is_dir():
        raise UserError("This installation has no notebooks: install source-oneup-pinterest again.")
    return _CHECKED_OUT
