"""Read the picture for the heading of the report: checked, and written as a data URI."""

import base64
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from oneup_pinterest.errors import UserError

MAX_BYTES = 1_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of the segments with the size of the picture
_WEBP = (b"VP8 ", b"VP8L", b"VP8X")


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
    kind = next((kind for kind, is_whole in _KINDS.items() if is_whole(content)), None)
    if kind is None:
        raise UserError(f"{path} is not a PNG, JPEG or WebP picture: name one with --logo.", 2)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _is_png(content: bytes) -> bool:
    """Return whether the content is a PNG file whose chunks have the right checksums and whose pixels decompress."""
    chunks = list(_chunks(content)) if content.startswith(_PNG) else []
    names = [name for name, _ in chunks]
    if not names or names[0] != b"IHDR" or names[-1] != b"IEND" or b"IDAT" not in names:
        return False
    try:
        pixels = zlib.decompressobj()
        pixels.decompress(b"".join(body for name, body in chunks if name == b"IDAT"), 1)
    except zlib.error:
        return False
    return 0 not in struct.unpack(">II", chunks[0][1][:8])


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG file: name and content; up to the first damaged one."""
    place = len(_PNG)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        body = content[place + 4 : place + 8 + length]
        end = content[place + 8 + length : place + 12 + length]
        if len(end) < 4 or struct.unpack(">I", end)[0] != zlib.crc32(body):
            return
        yield body[:4], body[4:]
        place += 12 + length


def _is_jpeg(content: bytes) -> bool:
    """Return whether the content has the segments of a JPEG file up to the pixels, with a size, and an end."""
    place, has_size = 2, False
    if not content.startswith(b"\xff\xd8\xff") or not content.rstrip(b"\0").endswith(b"\xff\xd9"):
        return False
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, (length,) = content[place + 1], struct.unpack_from(">H", content, place + 2)
        if marker in _JPEG_SIZES:
            has_size = 0 not in struct.unpack_from(">HH", content.ljust(place + 9, b"\0"), place + 5)
        if marker == 0xDA:  # the pixels follow
            return has_size
        place += 2 + max(length, 2)
    return False


def _is_webp(content: bytes) -> bool:
    """Return whether the content is a whole WebP file."""
    if len(content) < 30 or content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return False
    (length,) = struct.unpack_from("<I", content, 4)
    return length + 8 <= len(content) and content[12:16] in _WEBP


_KINDS = {"png": _is_png, "jpeg": _is_jpeg, "webp": _is_webp}
