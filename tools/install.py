"""Install the locked dependencies and this checkout into .venv (`make .venv/installed`).

Any Python 3 can run it: it needs no package, and finds a Python that the project supports. uv is installed by hash
like everything else, and takes seconds where pip takes more than a minute.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
NAMES = (sys.executable, "python3.13", "python3.12", "python3.11")
IS_SUPPORTED = "import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"


def main() -> None:
    """Create .venv if it is missing, then install the packages of the lock files."""
    if not (BIN / "python").exists():
        run(supported_python(), "-m", "venv", ROOT / ".venv")
    print("Installing the locked dependencies into .venv (once, less than a minute)")
    pip = (BIN / "pip", "--quiet", "--disable-pip-version-check", "install")
    uv_pip = (BIN / "uv", "--quiet", "pip", "install", "--python", BIN / "python")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements-uv.lock")
    run(*uv_pip, "--require-hashes", "-r", ROOT / "requirements.lock")
    run(*uv_pip, "--no-deps", "--no-build-isolation", "-e", ROOT)


def supported_python():  # type: ignore[no-untyped-def]  # an older Python must be able to read this file
    """Return the first Python that the project supports, or exit with a remedy."""
    for name in NAMES:
        try:
            if subprocess.run([name, "-c", IS_SUPPORTED], stderr=subprocess.DEVNULL).returncode == 0:
                return name
        except OSError:
            continue
    sys.exit("No Python 3.11 to 3.13 with venv was found; set PYTHON=/path/to/python")


def run(*command):  # type: ignore[no-untyped-def]
    """Run a command; exit with its status if it fails."""
    status = subprocess.run([os.fspath(part) for part in command]).returncode
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
