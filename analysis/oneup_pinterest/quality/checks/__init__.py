"""Checks of data quality, one subject per module. A check takes a `CheckContext` and yields findings."""
