"""A lake: the history in DuckLake, whose catalog is a PostgreSQL database or a DuckDB file beside a folder of Parquet.

It is named `ducklake:postgres:DSN` or `ducklake:FILE`. A password is never a part of the name: libpq takes it from
PGPASSWORD, PGPASSFILE, ~/.pgpass or a service file.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from oneup_pinterest.errors import UserError

PREFIX = "ducklake:"
POSTGRES = "postgres:"
FOLDER_SUFFIX = ".files"  # of the default data folder, beside the catalog's file
NO_LAKE = "explicitly disabled"  # a part of DuckLake's words for a catalog without a lake
_CONNECTION = ("server closed the connection", "terminating connection", "no connection to the server", "Postgres")
_PASSWORD = re.compile(r"password\s*=|://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)


@dataclass(frozen=True)
class Lake(os.PathLike[str]):
    """A lake by its catalog. Every function that takes a database takes this too.

    - catalog: `postgres:` and a connection string of libpq without a password, or the absolute path of a file
    - data_path: the folder, or the `s3://` address, of the data files; only a new lake needs it, which then keeps it

    >>> str(Lake("postgres:dbname=lake"))
    'ducklake:postgres:dbname=lake'
    """

    catalog: str
    data_path: str | None = None

    @property
    def dsn(self) -> str | None:
        """The connection string of the catalog's PostgreSQL; None if the catalog is a file."""
        return self.catalog.removeprefix(POSTGRES) if self.catalog.startswith(POSTGRES) else None

    @property
    def file(self) -> Path | None:
        """The catalog's file; None if the catalog is in PostgreSQL."""
        return None if self.dsn is not None else Path(self.catalog)

    def __fspath__(self) -> str:
        return PREFIX + self.catalog

    def __str__(self) -> str:
        return os.fspath(self)


class MissingLake(UserError):
    """There is no lake at that place yet."""


def parse_lake(text: str, data_path: str | None = None) -> Lake:
    """Return the lake of that name.

    Raises:
        UserError: the name holds a password or no catalog, or a new lake in PostgreSQL cannot be told where its data
            files go (exit status 2).

    >>> parse_lake("ducklake:postgres:dbname=lake password=hidden")
    Traceback (most recent call last):
    ...
    oneup_pinterest.errors.UserError: The name of the lake holds a password, which other users of this machine could \
read: leave it out, and set PGPASSWORD or write it into ~/.pgpass.
    """
    catalog = text.removeprefix(PREFIX)
    if _PASSWORD.search(unquote(catalog)):
        raise UserError(
            "The name of the lake holds a password, which other users of this machine could read: leave it out, and "
            "set PGPASSWORD or write it into ~/.pgpass.",
            2,
        )
    if not catalog or catalog == POSTGRES:
        raise UserError(f"{text} names no catalog: write ducklake:FILE or ducklake:postgres:DSN.", 2)
    if re.match(r"(postgresql|postgres)://|[a-z]{2,}[a-z0-9]*:", catalog) and not catalog.startswith(POSTGRES):
        raise UserError(f"{text} names a catalog of another kind: write ducklake:FILE or ducklake:postgres:DSN.", 2)
    if data_path is not None and "://" not in data_path:
        data_path = str(Path(data_path).absolute())
    if catalog.startswith(POSTGRES):
        if catalog.startswith("postgres://"):
            catalog = POSTGRES + catalog
        return Lake(catalog, data_path)
    return Lake(str(Path(catalog).absolute()), data_path)


def lake_error(lake: Lake, error: Exception) -> UserError:
    """Return an error that explains why a lake cannot be used."""
    text = str(error)
    if NO_LAKE in text:
        return missing_lake(lake)
    if "does not match existing data path" in text:
        found = re.search(r'in the catalog "([^"]*)"', text)
        where = f" in {found[1]}" if found else " elsewhere"
        return UserError(f"{lake} keeps its files{where}: leave out --data-path, or name another lake.", 2)
    reason = re.sub(r"^.*?Unable to connect to Postgres at \"[^\"]*\": ", "", " ".join(text.split()))
    reason = re.sub(r"^\w+(?: \w+)? Error: ", "", reason).rstrip(".")
    return UserError(
        f"{lake} cannot be used ({reason[:300]}): check that its catalog and its data files can be reached and that "
        "you may use them, then try again. What was committed is kept."
    )


def is_connection_error(error: Exception) -> bool:
    """Return whether a statement failed because the catalog could not be reached, whatever DuckDB calls the error."""
    return any(words in str(error) for words in _CONNECTION)


def missing_lake(lake: Lake) -> "MissingLake":
    """Return an error that says that there is no lake."""
    return MissingLake(f"There is no lake at {lake} yet: sync into it first, or name another with --database.", 2)
