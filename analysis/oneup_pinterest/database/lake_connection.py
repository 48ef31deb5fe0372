"""Connect to a lake: load DuckDB's extensions from their wheels, attach the catalog, explain what goes wrong."""

import os
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import duckdb

from oneup_pinterest.database.connection import connect_waiting
from oneup_pinterest.database.lake import FOLDER_SUFFIX, Lake, lake_error, missing_lake
from oneup_pinterest.errors import UserError

INSTALL = "A lake needs the extra `lake`: pip install 'source-oneup-pinterest[lake]'."
CATALOG = "history"  # the name under which a lake is attached
MAX_RETRIES = 100  # of a commit, while other writers commit
# where DuckDB's httpfs takes the access to s3:// from; the names are those of the AWS tools
_S3 = {
    "KEY_ID": "AWS_ACCESS_KEY_ID",
    "SECRET": "AWS_SECRET_ACCESS_KEY",
    "SESSION_TOKEN": "AWS_SESSION_TOKEN",
    "REGION": "AWS_REGION",
}


def connect_lake(lake: Lake, *, to_write: bool = False, may_create: bool = False) -> duckdb.DuckDBPyConnection:
    """Return a connection to a lake, attached and in use as the database `history`.

    `may_create`: if there is no lake yet, create it, with its data files at `lake.data_path`.

    Raises:
        UserError: the extra `lake` is not installed; there is no lake, or its catalog or its files cannot be reached;
            or it keeps its files elsewhere than `lake.data_path`.
    """
    connect_database = _connector(lake, to_write, may_create)
    if lake.file is None:
        try:
            return connect_database()
        except duckdb.Error as error:
            raise lake_error(lake, error) from None
    if not lake.file.exists() and not may_create:
        raise missing_lake(lake)
    try:
        return connect_waiting(lake.file, connect_database, to_write)
    except duckdb.Error as error:
        raise lake_error(lake, error) from None


def _connector(lake: Lake, to_write: bool, may_create: bool) -> Callable[[], duckdb.DuckDBPyConnection]:
    options = ["DATA_INLINING_ROW_LIMIT 0"]
    if not to_write:
        options.append("READ_ONLY")
    elif not may_create:
        options.append("CREATE_IF_NOT_EXISTS false")
    if lake.data_path is not None:
        options.append(f"DATA_PATH {_literal(lake.data_path)}")
    elif may_create and lake.file is not None and not lake.file.exists():
        options.append(f"DATA_PATH {_literal(str(lake.file) + FOLDER_SUFFIX)}")

    def connect() -> duckdb.DuckDBPyConnection:
        connection = _connection_with_extensions(lake)
        try:
            if lake.file is not None and lake.file.exists():
                _require_lake(connection, lake.file)
            attach = f"ATTACH {_literal(str(lake))} AS {CATALOG} ({', '.join(options)})"
            try:
                connection.execute(attach)
            except duckdb.Error as error:
                if "httpfs" not in str(error):
                    raise
                # only the catalog says that the files are in object storage
                connection.execute(f"LOAD {_literal(str(_extension_file('httpfs')))}")
                connection.execute(attach)
            connection.execute(f"USE {CATALOG}")
            _prepare_for_files(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


def _connection_with_extensions(lake: Lake) -> duckdb.DuckDBPyConnection:
    names = ["ducklake"] if lake.file is not None else ["ducklake", "postgres_scanner"]
    names += ["httpfs"] if lake.data_path is not None and "://" in lake.data_path else []
    files = [_extension_file(name) for name in names]  # each takes a quarter of a second
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})  # nothing is downloaded
    try:
        for file in files:
            connection.execute(f"LOAD {_literal(str(file))}")
    except duckdb.Error:
        connection.close()
        raise UserError(f"{INSTALL} Its extensions do not fit DuckDB {duckdb.__version__}.") from None
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET ducklake_max_retry_count = {MAX_RETRIES}")
    return connection


def _prepare_for_files(connection: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB read and write the files of a lake: in object storage, and where all other files are closed to it."""
    ((path,),) = connection.execute(
        "SELECT value FROM ducklake_options(?) WHERE option_name = 'data_path'", [CATALOG]
    ).fetchall()
    connection.execute(f"SET allowed_directories = [{_literal(path)}]")  # for `query`, which closes all others
    if "://" not in path:
        return
    connection.execute(f"LOAD {_literal(str(_extension_file('httpfs')))}")
    given = {option: os.environ[variable] for option, variable in _S3.items() if os.environ.get(variable)}
    if "KEY_ID" in given:
        parts = [f"{option} {_literal(value)}" for option, value in given.items()]
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            scheme, _, host = endpoint.rpartition("://")
            parts += [f"ENDPOINT {_literal(host)}", "URL_STYLE 'path'", f"USE_SSL {scheme != 'http'}"]
        connection.execute(f"CREATE SECRET (TYPE s3, {', '.join(parts)})")


def _extension_file(name: str) -> Path:
    spec = find_spec(f"duckdb_extension_{name}")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        file = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if file.is_file():
            return file
    fit = f" DuckDB {duckdb.__version__} is installed, and the extensions are for another version." if folders else ""
    raise UserError(f"{INSTALL}{fit}")


def _require_lake(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Refuse a DuckDB file that is no catalog: DuckLake would write its tables into it."""
    connection.execute(f"ATTACH {_literal(str(file))} AS candidate (READ_ONLY)")
    try:
        found = connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'candidate'"
            " AND table_name = 'ducklake_metadata'"
        ).fetchall()
    finally:
        with suppress(duckdb.Error):
            connection.execute("DETACH candidate")
    if found == [(0,)]:
        raise UserError(f"{file} is a DuckDB file, not a lake: name it without `ducklake:`, or name another file.", 2)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def lake_bytes(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the bytes of the data files that the newest rows of a lake are in."""
    ((size,),) = connection.execute(
        "SELECT coalesce(sum(file_size_bytes), 0)::BIGINT FROM ducklake_table_info(?)", [CATALOG]
    ).fetchall()
    return int(size)
