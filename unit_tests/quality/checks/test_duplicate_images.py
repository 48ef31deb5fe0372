"""Pins that share an image, and that Pinterest counts together, are found."""

from typing import Any

from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.checks.duplicate_images import duplicate_image_groups
from unit_tests.quality.contexts import context_of, find_by_check, frame_of, pin


def test_duplicate_images_share_image_link_and_every_counter() -> None:
    def duplicate(number: int, day: int, link: str, **others: Any) -> dict[str, Any]:
        return {**pin(number, day, 50 + day, media_url="one.jpg", permalink=link, saves=day), **others}

    shop = "https://shop.example/a"
    pairs = [
        duplicate(1, 0, shop),
        duplicate(1, 1, shop),
        duplicate(2, 0, shop),
        duplicate(2, 1, shop),  # duplicates
        duplicate(3, 0, "https://shop.example/b"),
        duplicate(3, 1, "https://shop.example/b"),  # links to another page
        duplicate(4, 0, shop),
        duplicate(4, 1, shop, saves=9),  # one counter differs once
        duplicate(5, 1, shop, impressions=3),
        duplicate(6, 1, shop, impressions=3),  # too few impressions
    ]
    assert duplicate_image_groups(LoadedHistory(frame_of("pins", pairs))).rows() == [("pin_a", "1", 2, 2, 51)]
    finding = find_by_check(context_of(pairs))["duplicate_images"]
    assert finding.severity == "warning"
    assert "2 pins share 1 image" in finding.what


def test_duplicate_images_may_be_seen_on_different_days() -> None:
    pins = [pin(1, 0, media_url="x"), pin(1, 1, 120, media_url="x"), pin(2, 1, 120, media_url="x")]
    assert duplicate_image_groups(LoadedHistory(frame_of("pins", pins))).rows() == [("pin_a", "1", 2, 1, 120)]


def test_links_to_the_pin_itself_do_not_separate_duplicates() -> None:
    assert (
        duplicate_image_groups(
            LoadedHistory(frame_of("pins", [pin(1, 0, media_url="x"), pin(2, 0, media_url="x")]))
        ).height
        == 1
    )
