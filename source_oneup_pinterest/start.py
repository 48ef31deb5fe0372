"""Prepare a process: skip slow imports that it does not need, and write UTF-8."""

import contextlib
import io
import sys


def start_quickly() -> None:
    """Skip slow imports of airbyte_cdk; only commands may call this, before that import, as it changes the process."""
    # jsonschema imports this if Jupyter has installed it: more than a second, for a format that no schema here uses
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # None makes the import fail, as documented
    # serpyco-rs parses the source of the protocol's models for descriptions that the CDK does not use: a third of a
    # second, and no option turns it off
    with contextlib.suppress(ImportError):
        import attributes_doc

        attributes_doc.get_attributes_doc = lambda *_, **__: {}


def write_utf8() -> None:
    """Write stdout and stderr as UTF-8 in every locale, and escape what is not text (a path of odd bytes)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
