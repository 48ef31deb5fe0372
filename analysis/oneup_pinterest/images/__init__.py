"""Thumbnails of pins for the report: fetched once from public addresses, kept in the database, embedded in the page."""

from oneup_pinterest.images.pin_images import PinImages
from oneup_pinterest.images.placeholders import NO_IMAGE, VIDEO

__all__ = ["NO_IMAGE", "VIDEO", "PinImages"]
