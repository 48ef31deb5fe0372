"""Look up the thumbnails of pins: from the database, and else from their addresses."""

import base64
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import polars as pl

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.pin_images import PinKey, StoredImage, read_pin_images, write_pin_images
from oneup_pinterest.database.place import place_of
from oneup_pinterest.database.reader import Database
from oneup_pinterest.formatting import format_count, strip_control_characters
from oneup_pinterest.images.addresses import Address, is_of_sandbox, may_be_public, parse_address, sandbox_address
from oneup_pinterest.images.fetching import Fetched, fetch_thumbnails
from oneup_pinterest.images.outcomes import IN_WORDS, REMEMBERED, ImageError, Outcome
from oneup_pinterest.images.placeholders import NO_IMAGE, VIDEO

SECONDS = 8.0  # for all requests of one report
SECONDS_FOR_EACH = 60.0  # for those of one report per account together; what is missing comes with the next
RETRY_AFTER = timedelta(days=7)
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif")
VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".m3u8", ".mpd")


class _Wanted(NamedTuple):
    url: str
    path: str
    outcome: Outcome | None  # known without a request


class PinImages:
    """The thumbnails of pins of one database, as data URIs.

    What the database has is not requested again. What is fetched is kept there, if the file is this kit's and can be
    written; so are failures that would repeat, for a week.

    Args:
        database: As every function that takes a database.
        sandbox: The URL of a sandbox that this process runs. Only its pictures may come from this machine.
        seconds: For all requests together.
    """

    def __init__(self, database: Database, sandbox: str | None = None, seconds: float = SECONDS) -> None:
        self._path = place_of(database)
        self._sandbox = sandbox_address(sandbox) if sandbox else None
        self._seconds_left = seconds
        self._outcomes: dict[PinKey, Outcome] = {}
        self._fetched = 0
        self._is_stored = True

    def of(self, pins: pl.DataFrame) -> dict[PinKey, str]:
        """Return a data URI for each pin, by its account and id: its thumbnail, or a neutral placeholder.

        `pins` has the columns social_network_id, id, media_type, format and media_url, as `load_pins_latest` does.
        """
        columns = ("social_network_id", "id", "media_url", "media_type", "format")
        wanted = {
            (account, pin): _wanted(self._sandbox, *image) for account, pin, *image in pins.select(columns).iter_rows()
        }
        stored = read_pin_images(self._path, list(wanted))
        fetched = self._fetch({key: each.url for key, each in wanted.items() if _is_to_fetch(each, stored.get(key))})
        self._store(fetched, wanted)
        return {key: self._data_uri(key, each, stored.get(key), fetched.get(key)) for key, each in wanted.items()}

    def summary(self) -> str:
        """Return one sentence: how many pictures were fetched, how many pins have none, and why."""
        if not self._outcomes:
            return "No picture was fetched, because the report names no pin."
        without = Counter(outcome for outcome in self._outcomes.values() if outcome != Outcome.FETCHED)
        pins = format_count(len(self._outcomes), "pin")
        known = len(self._outcomes) - without.total() - self._fetched
        sentence = f"Fetched {format_count(self._fetched, 'picture')}"
        sentence += f" and took {known:,} from the database" if known > 0 else ""
        sentence += f"; {without.total():,} of {pins} have none"
        if without:
            reasons = ", ".join(f"{IN_WORDS[outcome]} ({count:,})" for outcome, count in without.most_common())
            sentence += f": {reasons}"
        if not self._is_stored:
            sentence += f"; they could not be kept in {self._path}, so the next report fetches them again"
        return strip_control_characters(f"{sentence}.")

    def _fetch(self, urls: Mapping[PinKey, str]) -> dict[PinKey, Fetched]:
        started = time.monotonic()
        fetched = fetch_thumbnails(urls, max(0.0, self._seconds_left), self._sandbox)
        self._seconds_left -= time.monotonic() - started
        self._fetched += sum(each.outcome == Outcome.FETCHED for each in fetched.values())
        return fetched

    def _store(self, fetched: Mapping[PinKey, Fetched], wanted: Mapping[PinKey, _Wanted]) -> None:
        now = utc_now().replace(tzinfo=None)
        images = {
            key: StoredImage(wanted[key].path, each.outcome, now, each.webp)
            for key, each in fetched.items()
            if each.outcome in REMEMBERED
        }
        self._is_stored &= write_pin_images(self._path, images)

    def _data_uri(self, key: PinKey, wanted: _Wanted, stored: StoredImage | None, fetched: Fetched | None) -> str:
        webp = (fetched.webp if fetched else None) or (stored.webp if stored else None)
        if webp:
            self._outcomes[key] = Outcome.FETCHED
            return data_uri(webp)
        outcome = wanted.outcome or (fetched.outcome if fetched else _status(stored) if stored else Outcome.LATE)
        self._outcomes[key] = outcome
        return VIDEO if outcome == Outcome.VIDEO else NO_IMAGE


def data_uri(webp: bytes) -> str:
    """Return a thumbnail as a page or a chart embeds it.

    >>> data_uri(b"RIFF")
    'data:image/webp;base64,UklGRg=='
    """
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


def _wanted(sandbox: Address | None, url: str | None, media_type: str | None, pin_format: str | None) -> _Wanted:
    """Return what to ask for; the address of a video is none of an image, but a video may have one of its cover."""
    if not url or not url.strip():
        return _Wanted("", "", Outcome.NO_ADDRESS)
    try:
        address = parse_address(url)
    except ImageError as error:
        return _Wanted(url, "", error.outcome)
    path = address.path
    is_video = "video" in ((media_type or "").lower(), (pin_format or "").lower())
    ending = path.lower()
    if ending.endswith(VIDEO_ENDINGS) or (is_video and not ending.endswith(IMAGE_ENDINGS)):
        return _Wanted(url, path, Outcome.VIDEO)
    is_allowed = may_be_public(address) or is_of_sandbox(address, sandbox)
    return _Wanted(url, path, None if is_allowed else Outcome.REFUSED)


def _is_to_fetch(wanted: _Wanted, stored: StoredImage | None) -> bool:
    """Return whether to request an image: it is new, its address has another path, or its failure is a week old."""
    if wanted.outcome is not None:
        return False
    if stored is None or stored.path != wanted.path:
        return True
    is_recent = utc_now().replace(tzinfo=None) - stored.checked_at < RETRY_AFTER
    return stored.status != Outcome.FETCHED and not is_recent


def _status(stored: StoredImage) -> Outcome:
    return Outcome(stored.status) if stored.status in list(Outcome) else Outcome.INVALID
