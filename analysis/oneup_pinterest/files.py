"""Replace a file at once: a reader finds the old content or the new, and a failure leaves the old."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oneup_pinterest.errors import UserError


@contextmanager
def replaced_file(target: Path, advice: str = "") -> Iterator[Path]:
    """Yield the path to write; when the block ends without an error, it becomes `target`, whose folder is created.

    Raises:
        UserError: the file or its folder cannot be written; `advice` follows as what to do.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp(), "new", "report.html")
    >>> with replaced_file(target) as unfinished:
    ...     _ = unfinished.write_text("done")
    >>> target.read_text(), [path.name for path in target.parent.iterdir()]
    ('done', ['report.html'])
    """
    unfinished = target.with_name(target.name + ".tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        unfinished.replace(target)
    except OSError as error:
        place = error.filename if error.filename not in (None, str(unfinished)) else target
        raise UserError(f"{place} cannot be written: {error.strerror}.{f' {advice}' if advice else ''}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
