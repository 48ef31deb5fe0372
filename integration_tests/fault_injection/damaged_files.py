"""Damaged files and files that are not a database, each with the message that must name the problem."""

import math
import random
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb

HEADER_BYTES = 12_288  # three blocks before any data
FACTOR, MASK = 0xBF58476D1CE4E5B9, (1 << 64) - 1  # of DuckDB's checksum of a block


class DamagedFile(NamedTuple):
    """How to make a file from a good database, and the messages and exit status that it must cause.

    `reader_message`: what readers report, if it differs from what a sync reports.
    """

    name: str
    make: Callable[[Path, bytes], object]
    message: str
    status: int
    reader_message: str = ""


def _as_sqlite(path: Path, good: bytes) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE accounts (social_network_id TEXT)")
    connection.commit()
    connection.close()


def _as_parquet(path: Path, good: bytes) -> None:
    duckdb.execute(f"COPY (SELECT 'pin_a' AS social_network_id) TO '{path}' (FORMAT parquet)")


def _as_workbook(path: Path, good: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")


def _as_link(path: Path, good: bytes) -> None:
    path.symlink_to(path.parent / "no" / "where")


def with_storage_version(good: bytes, version: int) -> bytes:
    """Return a file's bytes with another storage version in its first block, and with that block's checksum.

    The checksum is 5381 and, for each eight bytes, their integer times FACTOR, all combined by XOR.
    """
    changed = bytearray(good)
    changed[12:16] = struct.pack("<I", version)
    (checksum,) = struct.unpack("<Q", good[:8])
    for eight in (good[8:16], bytes(changed[8:16])):
        checksum ^= struct.unpack("<Q", eight)[0] * FACTOR & MASK
    changed[:8] = struct.pack("<Q", checksum)
    return bytes(changed)


def _with_changed_header(path: Path, good: bytes) -> None:
    path.write_bytes(good[:4120] + bytes([good[4120] ^ 255]) + good[4121:])


def _with_wal_of_another(path: Path, good: bytes) -> None:
    path.write_bytes(good)
    other = path.with_name("other.duckdb")
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE other (a INTEGER)")
        connection.execute("CHECKPOINT")
        connection.execute("INSERT INTO other VALUES (1)")
        path.with_name(path.name + ".wal").write_bytes(other.with_name("other.duckdb.wal").read_bytes())
    other.unlink()


def _with_newer_schema_version(path: Path, good: bytes) -> None:
    path.write_bytes(good)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE _layout SET version = 99")


def damaged_files(rng: random.Random) -> list[DamagedFile]:
    """Return one file per kind of damage; truncated files have random lengths."""

    def truncated(shortest: int, longest: float) -> Callable[[Path, bytes], object]:
        return lambda path, good: path.write_bytes(good[: rng.randrange(shortest, int(min(longest, len(good) / 2)))])

    no_database = "is not a DuckDB database"
    return [
        DamagedFile("a text file", lambda path, _: path.write_text("some notes " * 99), no_database, 2),
        DamagedFile("zeros", lambda path, _: path.write_bytes(bytes(50_000)), no_database, 2),
        DamagedFile("an empty file", lambda path, _: path.write_bytes(b""), "is empty", 2),
        DamagedFile("SQLite", _as_sqlite, no_database, 2),
        DamagedFile("Parquet", _as_parquet, no_database, 2),
        DamagedFile("a workbook", _as_workbook, no_database, 2),
        DamagedFile("a folder", lambda path, _: path.mkdir(), "is a folder", 2),
        DamagedFile("a link to nowhere", _as_link, "there is no folder", 2, "does not exist"),
        DamagedFile("truncated in its header", truncated(12, HEADER_BYTES), "is damaged", 1),
        DamagedFile("truncated after its header", truncated(HEADER_BYTES, math.inf), "is damaged", 1),
        DamagedFile("a changed header", _with_changed_header, "is damaged", 1),
        DamagedFile("the WAL of another file", _with_wal_of_another, "does not belong to", 1),
        DamagedFile(
            "written by a newer DuckDB",
            lambda path, good: path.write_bytes(with_storage_version(good, 99)),
            "newer than",
            1,
        ),
        DamagedFile("written by a newer kit", _with_newer_schema_version, "newer version of this kit", 1),
    ]


def fingerprint(folder: Path) -> dict[str, object]:
    """Return the contents of everything in a folder, to detect any change."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.is_dir() or path.read_bytes()
        for path in folder.rglob("*")
    }
