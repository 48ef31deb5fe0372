"""Pins in the two tables that a sync stores them in."""

from pathlib import Path

import polars as pl
import polars.selectors as cs

from oneup_pinterest.database import load
from oneup_pinterest.database.schema import EXTRACTED_AT
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.stream_schemas import SCHEMAS


def in_two_tables(flat: Path, target: Path) -> Path:
    """Write the pins of a file as `oneup-pinterest sync` would, and return the new file."""
    pins = load.load_pins(flat).drop(EXTRACTED_AT).with_columns(cs.temporal().cast(pl.String))
    with DatabaseWriter(target) as writer:
        writer.prepare({"pins": SCHEMAS["pins"]})
        writer.write("pins", pins.sample(fraction=1, shuffle=True, seed=1).to_dicts())
        writer.commit()
    return target
