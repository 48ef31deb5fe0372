"""Thumbnails of images in every shape, and of files that are none."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from oneup_pinterest.images.decoding import MAX_PIXELS, SIDE, make_thumbnail
from oneup_pinterest.images.outcomes import ImageError, Outcome


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def thumbnail(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(make_thumbnail(data)))
    assert image.format == "WEBP"
    return image


def outcome_of(data: bytes) -> Outcome | None:
    try:
        make_thumbnail(data)
    except ImageError as error:
        return error.outcome
    return None


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that announces a size and has no pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def is_near(pixel: Any, color: tuple[int, int, int]) -> bool:
    return all(abs(part - wanted) < 30 for part, wanted in zip(pixel[:3], color, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize(
    ("size", "expected"), [((1000, 1500), (107, 160)), ((320, 160), (160, 80)), ((40, 30), (40, 30))]
)
def test_the_longer_side_has_at_most_160_pixels(kind: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert thumbnail(encode(Image.new("RGB", size, "red"), kind)).size == expected


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "1", "P", "I;16", "RGBA", "LA"])
def test_every_color_mode_is_converted(mode: str) -> None:
    gray = Image.new("L", (300, 200), 128)
    image = Image.new("I;16", gray.size, 128 * 256) if mode == "I;16" else gray.convert("RGB").convert(mode)
    small = thumbnail(encode(image, "JPEG" if mode == "CMYK" else "PNG"))
    pixel = small.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert is_near(pixel, (128, 128, 128)), pixel


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparent_pixels_become_white(mode: str) -> None:
    image = Image.new("RGBA", (200, 200), (255, 0, 0, 0)).convert(mode)
    options = {"transparency": image.getpixel((0, 0))} if mode == "P" else {}
    assert is_near(thumbnail(encode(image, "PNG", **options)).convert("RGB").getpixel((80, 80)), (255, 255, 255))


def test_only_the_first_frame_of_an_animation_is_shown() -> None:
    frames = [Image.new("RGB", (200, 200), color) for color in ("red", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        small = thumbnail(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert is_near(small.convert("RGB").getpixel((80, 80)), (255, 0, 0)), kind
        assert getattr(small, "n_frames", 1) == 1


def test_a_photo_is_turned_upright_and_its_metadata_left_out() -> None:
    image = Image.new("RGB", (400, 200), "red")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "at home"
    small = thumbnail(encode(image, "JPEG", exif=exif, icc_profile=b"profile"))
    assert small.size == (80, 160)
    assert not {"exif", "icc_profile", "xmp"} & small.info.keys()


@pytest.mark.parametrize(
    ("width", "height", "outcome"),
    [
        (8_000, 5_000, Outcome.INVALID),  # exactly 40 megapixels: decoded, but the pixels are missing
        (8_000, 5_001, Outcome.TOO_LARGE),
        (10_000, 10_000, Outcome.TOO_LARGE),  # Pillow warns
        (60_000, 60_000, Outcome.TOO_LARGE),  # Pillow refuses
    ],
)
def test_an_image_of_more_than_40_megapixels_is_not_decoded(
    width: int, height: int, outcome: Outcome, recwarn: pytest.WarningsRecorder
) -> None:
    assert (width * height > MAX_PIXELS) is (outcome == Outcome.TOO_LARGE)
    assert outcome_of(png_header(width, height)) == outcome
    assert list(recwarn) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_truncated_file_is_no_image(kind: str) -> None:
    data = encode(Image.effect_noise((300, 300), 80).convert("RGB"), kind)
    assert outcome_of(data[: len(data) // 2]) == Outcome.INVALID
    assert outcome_of(data[:20]) == Outcome.INVALID


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "EPS", "ICO", "PPM"])
def test_decoders_of_other_formats_are_not_tried(kind: str) -> None:
    assert outcome_of(encode(Image.new("RGB", (SIDE, SIDE), "red"), kind)) == Outcome.INVALID


@pytest.mark.parametrize(
    "data", [b"", b"<!doctype html><title>Log in</title>", b"<svg xmlns='http://x'/>", b"\x00" * 999]
)
def test_other_content_is_no_image(data: bytes) -> None:
    assert outcome_of(data) == Outcome.INVALID
