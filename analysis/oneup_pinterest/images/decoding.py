"""Turn the bytes of an image into a thumbnail."""

import io
import warnings
from threading import Lock

from PIL import Image, ImageOps

from oneup_pinterest.images.outcomes import ImageError, Outcome

SIDE = 160  # pixels of the longer side
QUALITY = 75
MAX_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # what Pinterest has; no other decoder of Pillow is tried
_ONE_AT_A_TIME = Lock()  # 40 megapixels take 160 MB, and Python's filters of warnings belong to all threads


def make_thumbnail(data: bytes) -> bytes:
    """Return a WebP of at most 160 × 160 pixels: the first frame, upright, on white, without metadata.

    Raises:
        ImageError: it is not a whole image in one of `FORMATS`, or has more than 40 megapixels.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:  # as the header says; nothing is decoded yet
                    raise ImageError(Outcome.TOO_LARGE)
                small = _on_white(_small(image))
            out = io.BytesIO()
            small.save(out, "WEBP", quality=QUALITY)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise ImageError(Outcome.TOO_LARGE) from None
        except ImageError:
            raise
        except Exception:  # Pillow raises whatever a damaged file makes its decoders trip over
            raise ImageError(Outcome.INVALID) from None
    return out.getvalue()


def _small(image: Image.Image) -> Image.Image:
    """Return the image scaled down; a large JPEG is not even decoded in full."""
    if image.mode.startswith("I"):  # 16 bits of gray
        image = image.point(lambda value: value / 256).convert("L")
    elif image.mode in ("P", "PA", "1"):  # colors of a palette cannot be averaged
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((SIDE, SIDE))
    return ImageOps.exif_transpose(image)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    pixels = image.convert("RGBA")
    white = Image.new("RGBA", pixels.size, "white")
    return Image.alpha_composite(white, pixels).convert("RGB")
