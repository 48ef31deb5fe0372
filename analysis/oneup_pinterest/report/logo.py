"""Read the picture for the heading of the report: checked, and written as a data URI."""

import base64
import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from oneup_pinterest.errors import UserError
from oneup_pinterest.images.decoding import MAX_PIXELS

MAX_BYTES = 1_000_000
FORMATS = ("PNG", "JPEG", "WEBP")


def logo_uri(path: Path) -> str:
    """Return a picture as a data URI.

    The content decides the type, not the name. An SVG is refused, because it may hold scripts and addresses.

    Raises:
        UserError: The file cannot be read, is larger than 1 MB, or is not a whole PNG, JPEG or WebP picture (exit
            status 2).

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "logo.png"
    >>> _ = file.write_bytes(b"<svg/>")
    >>> logo_uri(file)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    oneup_pinterest.errors.UserError: .../logo.png is not a PNG, JPEG or WebP picture: name one with --logo.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Name a picture with --logo.", 2) from None
    if len(content) > MAX_BYTES:
        raise UserError(f"{path} is larger than 1 MB: name a smaller picture with --logo.", 2)
    kind = _format_of(content)
    if kind is None:
        raise UserError(f"{path} is not a PNG, JPEG or WebP picture: name one with --logo.", 2)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _format_of(content: bytes) -> str | None:
    """Return the format of a picture that decodes to its last pixel; None for anything else."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.load()
            return (image.format or "").lower()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
