"""Keep thumbnails of pins in the database, so that they outlive the addresses they came from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.lake_connection import connect_lake
from oneup_pinterest.database.migrations import VERSION_TABLE
from oneup_pinterest.database.place import Place
from oneup_pinterest.database.schema import PIN_IMAGES, create_pin_images
from oneup_pinterest.errors import UserError

PinKey = tuple[str, str]  # social_network_id, id


class StoredImage(NamedTuple):
    """What is known about the image of a pin.

    Attributes:
        path: The path of its address, without the query, which may be a signature that expires.
        status: How the last request ended, as `images.outcomes` names it.
        checked_at: When that was (UTC).
        webp: The thumbnail; None if there never was one.
    """

    path: str
    status: str
    checked_at: datetime
    webp: bytes | None


def read_pin_images(path: Place, pins: Sequence[PinKey]) -> dict[PinKey, StoredImage]:
    """Return what a file knows about the images of pins; nothing if it has no such table or cannot be read now."""
    if not pins or (isinstance(path, Path) and not path.is_file()):
        return {}
    try:
        with _connect(path) as connection:
            rows = connection.execute(
                f"SELECT social_network_id, id, path, status, coalesce(checked_at, 'epoch'), webp "
                f"FROM main.{PIN_IMAGES} "
                "JOIN (SELECT unnest(?::VARCHAR[]) AS social_network_id, unnest(?::VARCHAR[]) AS id) "
                "USING (social_network_id, id)",
                [[account for account, _ in pins], [pin for _, pin in pins]],
            ).fetchall()
    except (duckdb.Error, UserError):
        return {}
    return {(account, pin): StoredImage(*rest) for account, pin, *rest in rows}


def write_pin_images(path: Place, images: Mapping[PinKey, StoredImage]) -> bool:
    """Store what is known about the images of pins, and return whether that was possible.

    It is not possible in a lake, a file of another tool, a file that may not be written, or one in use. A pin without
    a new thumbnail keeps its earlier one.
    """
    if not images:
        return True
    if isinstance(path, Lake) or not path.is_file():
        return False
    try:
        with duckdb.connect(path) as connection:
            if not _is_ours(connection):
                return False
            _replace(connection, images)
    except (duckdb.Error, OSError):
        return False
    return True


def _connect(place: Place) -> duckdb.DuckDBPyConnection:
    return connect_lake(place) if isinstance(place, Lake) else duckdb.connect(place, read_only=True)


def _is_ours(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' "
        "AND table_name = ?",
        [VERSION_TABLE],
    ).fetchone()
    return found is not None


def _replace(connection: duckdb.DuckDBPyConnection, images: Mapping[PinKey, StoredImage]) -> None:
    connection.execute("BEGIN")
    create_pin_images(connection)
    for rows in _batches([(*key, *image) for key, image in images.items()]):
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE _new_images AS SELECT new.* REPLACE (coalesce(new.webp, old.webp) AS webp) "
            "FROM (SELECT unnest(?::VARCHAR[]) AS social_network_id, unnest(?::VARCHAR[]) AS id, "
            "unnest(?::VARCHAR[]) AS path, unnest(?::VARCHAR[]) AS status, unnest(?::TIMESTAMP[]) AS checked_at, "
            f"unnest(?::BLOB[]) AS webp) AS new LEFT JOIN main.{PIN_IMAGES} AS old USING (social_network_id, id)",
            columns,
        )
        connection.execute(
            f"DELETE FROM main.{PIN_IMAGES} WHERE (social_network_id, id) IN "
            "(SELECT (social_network_id, id) FROM temp.main._new_images)"
        )
        connection.execute(f"INSERT INTO main.{PIN_IMAGES} BY NAME FROM temp.main._new_images")
    connection.execute("COMMIT")


def _batches(rows: Sequence[tuple[object, ...]], size: int = 500) -> Iterable[Sequence[tuple[object, ...]]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
