"""What a process of ours does without, so that it starts and runs faster."""

import contextlib
import gc
import io
import sys


def start_quickly() -> None:
    """To be called before airbyte_cdk is imported, and by commands alone: it changes the whole process."""
    # Where Jupyter has brought it along, jsonschema imports this: two seconds, for a format that no schema here has.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # None makes an import fail, as documented
    # serpyco-rs parses the source text of the protocol's models for descriptions that the CDK never asks for: a third
    # of the CDK's import. It has no option to leave that out.
    with contextlib.suppress(ImportError):
        import attributes_doc

        attributes_doc.get_attributes_doc = lambda *_, **__: {}
    gc.set_threshold(50_000)  # neither modules nor records are garbage: at 700, looking for some took a tenth


def write_utf8() -> None:
    """Let stdout and stderr be UTF-8, whatever the locale; what is no text (a path of odd bytes) is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
