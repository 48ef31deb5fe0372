"""The pictures of made-up pins are whole PNG files, the same at each run and different for each pin."""

import io

import pytest
from PIL import Image

from oneup_pinterest.sandbox.pictures import HEIGHT, WIDTH, picture, picture_name

TOPICS = ("recipes", "home", "crafts", "garden", "travel")


def pixels(path: str) -> bytes:
    drawn = picture(path)
    assert drawn is not None
    image = Image.open(io.BytesIO(drawn))
    assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))
    return image.convert("RGB").tobytes()


def test_each_pin_has_its_own_picture() -> None:
    paths = [picture_name(topic, pin, is_video=False) for topic in TOPICS for pin in ("1", "2")]
    drawn = [pixels(path) for path in paths]
    assert len(set(drawn)) == len(drawn)
    assert drawn == [pixels(path) for path in paths]


@pytest.mark.parametrize(
    "path",
    [
        picture_name("home", "1", is_video=True),
        "/pictures/other/1.png",
        "/pictures/home/../1.png",
        "/pictures/home/",
        "/pictures/",
    ],
)
def test_other_paths_have_none(path: str) -> None:
    assert picture(path) is None
