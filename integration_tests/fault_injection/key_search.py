"""Search files and output for the API key in every spelling."""

import base64
import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import duckdb

KEY = "kQ/e+y=1 ü&xZ"  # every character that is not a letter changes in a URL


def spellings(key: str) -> list[str]:
    """Return how servers repeat a key: as it is, percent-encoded in four ways, escaped in JSON and in HTML."""
    encoded = [quote(key), quote(key, safe=""), quote_plus(key)]
    lower = re.sub("%..", lambda code: code[0].lower(), encoded[-1])
    return [key, *encoded, lower, json.dumps(key)[1:-1].replace("/", "\\/"), html.escape(key)]


def occurrences(written: bytes, key: str = KEY) -> int:
    """Return how often a key occurs in bytes, in any mixture of spellings or in base64.

    >>> occurrences(b"GET /?apiKey=kQ%2fe%2By%3D1+%C3%BC%26xZ"), occurrences(b"apiKey=****")
    (1, 0)
    """
    text = written.decode("utf-8", "replace")
    plain = _plain(text)
    found = plain.count(_plain(key))
    alphabets = {encode(key.encode()).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    return found + sum(map(text.count, alphabets))


def _plain(text: str) -> str:
    """Return a text with the encodings of URLs, JSON and HTML undone, up to twice."""
    for _ in range(2):
        text = unquote(html.unescape(text))
        text = re.sub(r"\\+u00([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), text)
    return text.replace("\\", "").replace("+", " ").lower()


@dataclass
class Search:
    """Counts of what was searched so far: command → runs, bytes, occurrences."""

    counts: dict[str, list[int]] = field(default_factory=dict)

    @property
    def found(self) -> int:
        return sum(found for _, _, found in self.counts.values())

    def scan(self, command: str, *written: bytes) -> int:
        """Search the output of one run of a command; return the occurrences."""
        count = self.counts.setdefault(command, [0, 0, 0])
        found = sum(map(occurrences, written))
        for index, more in enumerate((1, sum(map(len, written)), found)):
            count[index] += more
        return found

    def scan_files(self, command: str, files: Iterable[Path]) -> int:
        """Search the bytes of files; return the occurrences."""
        written = [path.read_bytes() for path in files if path.is_file()]
        return self.scan(command, *written)

    def scan_database(self, command: str, database: Path) -> int:
        """Search each value of a database, because its bytes are compressed; return the occurrences."""
        with duckdb.connect(str(database), read_only=True) as connection:
            tables = connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()
            values = [str(connection.sql(f'FROM "{table}"').fetchall()) for (table,) in tables]
        return self.scan(command, *(value.encode() for value in values))

    def table(self) -> str:
        """Return what was searched as a Markdown table."""
        lines = ["| what was searched | runs | bytes | occurrences of the key |", "|---|---:|---:|---:|"]
        lines += [f"| {name} | {runs:,} | {size:,} | {found} |" for name, (runs, size, found) in self.counts.items()]
        return "\n".join(lines)


def open_files(pid: int) -> list[bytes]:
    """Return the contents of the files that a process has open, including deleted ones."""
    held = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if link.is_file():
                held.append(link.read_bytes())
        except OSError:  # closed in the meantime
            continue
    return held


def command_line(pid: int) -> bytes:
    """Return the command line of a process, which every user of the machine can see."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()
