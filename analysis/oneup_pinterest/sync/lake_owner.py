"""The owner of a lake or of one of its shards: one process at a time writes the accounts of a shard."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Self

from oneup_pinterest.database.lake import Lake, lake_error
from oneup_pinterest.database.lake_connection import INSTALL
from oneup_pinterest.errors import UserError

WHOLE = "1/1"  # the shard that holds every account
_NAME = "oneup-pinterest shard "  # with the shard behind it, what PostgreSQL calls the connection
_CLASS = 0x0E_0F_1A_3E  # of this kit's advisory locks; PostgreSQL keeps those of each database apart
_MUTEX, _OWNER = 0, 1
_OWNERS = (
    "SELECT locks.pid, coalesce(activity.application_name, ''), activity.backend_start "
    "FROM pg_locks AS locks LEFT JOIN pg_stat_activity AS activity USING (pid) "
    "WHERE locks.locktype = 'advisory' AND locks.granted AND locks.classid = %s AND locks.objid = %s "
    "AND locks.objsubid = 2 AND locks.pid <> pg_backend_pid() "
    "AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class LakeOwner:
    """The only writer of a shard of a lake, as long as its connection lives: PostgreSQL drops the lock with it.

    DuckDB itself locks a lake whose catalog is a file.

    Raises:
        UserError: another process owns the shard, or accounts of it; or the catalog cannot be reached.
    """

    def __init__(self, lake: Lake, shard: str) -> None:
        self._lake = lake
        self._connection: Any = None
        if lake.dsn is None:
            return
        try:
            import psycopg
        except ImportError:
            raise UserError(INSTALL) from None
        self._error = psycopg.Error
        try:
            self._connection = psycopg.connect(
                lake.dsn,
                autocommit=True,
                application_name=f"{_NAME}{shard}",
                keepalives_idle=30,
                options="-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
            )
            with self.alone():
                self._require_free(shard)
                self._connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", [_CLASS, _OWNER])
        except psycopg.Error as error:
            self.close()
            raise lake_error(lake, error) from None
        except UserError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the shard free."""
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the other owners of the lake out of the same block, for example while its tables are created."""
        if self._connection is None:
            yield
            return
        try:
            self._connection.execute("SELECT pg_advisory_lock(%s, %s)", [_CLASS, _MUTEX])
        except self._error as error:
            raise lake_error(self._lake, error) from None
        try:
            yield
        finally:
            with suppress(self._error):  # a lost connection has freed it
                self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", [_CLASS, _MUTEX])

    def require_owned(self) -> None:
        """Check that the lock is still held; call it before each commit.

        Raises:
            UserError: the connection to the catalog was lost, and the lock with it.
        """
        if self._connection is None:
            return
        try:
            with closing(self._connection.execute("SELECT 1")):
                pass
        except self._error as error:
            raise lake_error(self._lake, error) from None

    def _require_free(self, shard: str) -> None:
        for process, name, since in self._connection.execute(_OWNERS, [_CLASS, _OWNER]).fetchall():
            other = name.removeprefix(_NAME) if name.startswith(_NAME) else WHOLE
            if other == shard or other.partition("/")[2] != shard.partition("/")[2]:
                what = "whole lake" if other == WHOLE else f"shard {other}"
                at = f" since {since:%Y-%m-%d %H:%M} {since:%Z}" if since else ""
                raise UserError(
                    f"Another process has been writing the {what} in {self._lake}{at} (PostgreSQL process {process}): "
                    "wait until it is done, then sync again."
                )
