"""Databases with the tables and views that a sync makes, filled from frames."""

from pathlib import Path

import polars as pl
import polars.selectors as cs

from oneup_pinterest.database.load import load_account_followers, load_accounts, load_pins
from oneup_pinterest.database.schema import EXTRACTED_AT
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.stream_schemas import SCHEMAS


def in_two_tables(flat: Path, target: Path) -> Path:
    """Write the pins of a file as `oneup-pinterest sync` would, and return the new file."""
    pins = load_pins(flat).drop(EXTRACTED_AT)
    return as_synced(target, pins=pins.sample(fraction=1, shuffle=True, seed=1))


def copied_as_synced(flat: Path, target: Path) -> Path:
    """Write the pins, followers and accounts of a file as `oneup-pinterest sync` would, and return the new file."""
    return as_synced(
        target, pins=load_pins(flat), account_followers=load_account_followers(flat), accounts=load_accounts(flat)
    )


def as_synced(target: Path, **streams: pl.DataFrame) -> Path:
    """Write frames of the `load_*` functions as one run of `oneup-pinterest sync` would, and return the file."""
    with DatabaseWriter(target) as writer:
        writer.prepare({stream: SCHEMAS[stream] for stream in streams})
        writer.start_run()
        for stream, frame in streams.items():
            rows = frame.drop(EXTRACTED_AT, strict=False).with_columns(cs.temporal().cast(pl.String))
            if rows.height:
                writer.write(stream, rows.to_dicts())
        writer.commit()
        writer.finish_run("done", {}, [], 1, 1.0, None)
    return target
