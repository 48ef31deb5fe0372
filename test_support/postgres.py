"""Start a PostgreSQL of our own: in a temporary folder, on the loopback address, as a user without rights."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
BINARIES = INSTALLED[-1].parent if INSTALLED else Path(shutil.which("initdb") or "/nowhere/initdb").parent
USER = "lake"

requires_postgres = pytest.mark.skipif(
    not (BINARIES / "initdb").exists() and not os.environ.get("ONEUP_PINTEREST_REQUIRE_TOOLS"),
    reason="PostgreSQL is not installed; .ci/run installs it",
)


class Postgres:
    """A running server; `dsn` names a database of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]

    def run(self, tool: str, *arguments: object) -> None:
        """Run a tool of PostgreSQL, which does not work as root."""
        user = next((name for name in ("postgres", "nobody") if _has(name)), "nobody") if os.getuid() == 0 else None
        subprocess.run(
            [str(BINARIES / tool), *map(str, arguments)],
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=120,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
        )

    def create(self) -> None:
        """Create the server's files, readable by its user only."""
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres" if _has("postgres") else "nobody")
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self.run("initdb", "-D", "data", "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        """Start the server, also after `kill`."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=50"
        self.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", 60, "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop the server; `immediate` is as a crash: it must recover at the next start."""
        self.run("pg_ctl", "-D", "data", "-w", "-t", 60, "-m", how, "stop")

    def create_database(self, name: str) -> str:
        """Create a database, and return its connection string."""
        self.run("createdb", "-h", "127.0.0.1", "-p", self._port, "-U", USER, name)
        return f"host=127.0.0.1 port={self._port} user={USER} dbname={name}"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="oneup_postgres_", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder))
        server.create()
        server.start()
        try:
            yield server
        finally:
            with suppress(subprocess.CalledProcessError):  # a test has stopped it
                server.stop("immediate")


def _has(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
