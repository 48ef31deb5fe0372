"""The notebooks, their code cells, and pictures of pins for them."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from oneup_pinterest.database.migrations import VERSION_TABLE
from oneup_pinterest.database.pin_images import PinKey, StoredImage, write_pin_images
from test_support.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: Path) -> dict[str, str]:
    """Return the source of each code cell by the cell's id."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}


def keep_pictures(database: Path, pins: Iterable[PinKey], webp: bytes) -> None:
    """Keep a picture for pins in a file of `test_support.history`, as `report` does in a file of this kit."""
    with duckdb.connect(database) as connection:
        connection.execute(f"CREATE TABLE {VERSION_TABLE} (version INTEGER)")
    image = StoredImage("/a.jpg", "fetched", datetime(2026, 3, 1), webp)
    assert write_pin_images(database, dict.fromkeys(pins, image))
    with duckdb.connect(database) as connection:
        connection.execute(f"DROP TABLE {VERSION_TABLE}")
