"""Draw the pictures of made-up pins as small PNG files: a color per pin, and a pattern per topic."""

from __future__ import annotations

import colorsys
import struct
import zlib
from collections.abc import Callable

from oneup_pinterest.sandbox.seeded_random import seeded_random

PATH = "/pictures/"
WIDTH, HEIGHT = 108, 162
_CELL = 18  # pixels of one element of a pattern
# For each topic whether a pixel is of the second color.
_PATTERNS: dict[str, Callable[[int, int], bool]] = {
    "recipes": lambda x, y: (x % _CELL - 9) ** 2 + (y % _CELL - 9) ** 2 < 40,
    "home": lambda x, y: (x // _CELL + y // _CELL) % 2 == 0,
    "crafts": lambda x, y: (x + y) % _CELL < 6,
    "garden": lambda x, y: abs(x % _CELL - 9) + abs(y % _CELL - 9) < 7,
    "travel": lambda x, y: y % _CELL < 6,
}


def picture_name(theme: str, pin_id: str, is_video: bool) -> str:
    """Return the path of a pin's picture, or of its video, which is served by nobody."""
    return f"{PATH}{theme}/{pin_id}.{'mp4' if is_video else 'png'}"


def picture(path: str) -> bytes | None:
    """Return the PNG of a path that `picture_name` returned; None for any other."""
    theme, _, name = path.removeprefix(PATH).partition("/")
    pin_id, dot, ending = name.partition(".")
    if theme not in _PATTERNS or not pin_id.isalnum() or dot + ending != ".png":
        return None
    return _png(pin_id, _PATTERNS[theme])


def _png(pin_id: str, pattern: Callable[[int, int], bool]) -> bytes:
    rng = seeded_random(pin_id, "picture")
    hue, shift = rng.random(), rng.randrange(_CELL)
    colors = (colorsys.hls_to_rgb(hue, 0.8, 0.5), colorsys.hls_to_rgb(hue, 0.55, 0.6))
    palette = bytes(round(255 * part) for color in colors for part in color)
    rows = (bytes([0, *(pattern(x + shift, y + shift) for x in range(WIDTH))]) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)  # 8 bits per pixel, colors of a palette
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*parts, strict=True)))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
