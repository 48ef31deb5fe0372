"""Pictures of pins are kept in the database, and requested again only if that can change something."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from oneup_pinterest.clock import CLOCK_VARIABLE
from oneup_pinterest.database.pin_images import StoredImage, read_pin_images, write_pin_images
from oneup_pinterest.images import NO_IMAGE, VIDEO, PinImages, pin_images
from oneup_pinterest.images.fetching import Fetched
from oneup_pinterest.images.outcomes import IN_WORDS, Outcome

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
URL = "https://i.pinimg.com/736x/a.jpg"
KEY = ("pin_a", "1")
THUMBNAIL = "data:image/webp;base64,dGh1bWI="


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a file of this kit; nothing but its version matters here."""
    path = tmp_path / "history.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE _layout AS SELECT 1 AS version")
    return path


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer every request with a thumbnail, or with the outcome that the path names; return the requested URLs."""
    urls: list[str] = []

    def fetch(wanted: Mapping[tuple[str, str], str], *_: Any) -> dict[tuple[str, str], Fetched]:
        urls.extend(wanted.values())
        return {key: _response(url) for key, url in wanted.items()}

    monkeypatch.setattr(pin_images, "fetch_thumbnails", fetch)
    set_clock(monkeypatch, 0)
    return urls


def _response(url: str) -> Fetched:
    outcome = next((outcome for outcome in Outcome if f"/{outcome}." in url), Outcome.FETCHED)
    return Fetched(outcome, b"thumb" if outcome == Outcome.FETCHED else None)


def set_clock(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, (NOW + timedelta(days=days)).isoformat())


def pins(*urls: str | None, media_type: str | None = "IMAGE", account: str = "pin_a") -> pl.DataFrame:
    rows = [(account, str(number), url, media_type, media_type) for number, url in enumerate(urls, start=1)]
    columns = ("social_network_id", "id", "media_url", "media_type", "format")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def test_a_picture_is_requested_once(database: Path, requests: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = PinImages(database), PinImages(database)
    assert first.of(pins(URL)) == {KEY: THUMBNAIL}
    set_clock(monkeypatch, 400)
    assert second.of(pins(URL)) == {KEY: THUMBNAIL}
    assert requests == [URL]
    assert first.summary() == "Fetched 1 picture; 0 of 1 pin have none."
    assert second.summary() == "Fetched 0 pictures and took 1 from the database; 0 of 1 pin have none."


def test_a_picture_outlives_its_address(database: Path, requests: list[str]) -> None:
    PinImages(database).of(pins(URL))
    assert PinImages(database).of(pins(None)) == {KEY: THUMBNAIL}
    for failing in ("refused", "unreachable", "missing", "missing"):
        assert PinImages(database).of(pins(f"https://i.pinimg.com/{failing}.jpg")) == {KEY: THUMBNAIL}
    assert [url.rpartition("/")[2] for url in requests] == ["a.jpg", "refused.jpg", "unreachable.jpg", "missing.jpg"]


def test_another_signature_is_the_same_picture_and_another_path_is_not(database: Path, requests: list[str]) -> None:
    addresses = [f"{URL}?expires=1&signature=a", f"{URL}?expires=2&signature=b", "https://i.pinimg.com/736x/b.jpg"]
    for address in addresses:
        PinImages(database).of(pins(address))
    assert requests == [addresses[0], addresses[2]]
    stored = b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert b"signature" not in stored  # it may be a secret


def test_pins_of_two_accounts_with_one_id_have_their_own_pictures(database: Path, requests: list[str]) -> None:
    images = PinImages(database)
    both = pl.concat([pins(URL), pins("https://i.pinimg.com/missing.jpg", account="pin_b")])
    assert images.of(both) == {KEY: THUMBNAIL, ("pin_b", "1"): NO_IMAGE}


@pytest.mark.parametrize("outcome", [Outcome.MISSING, Outcome.INVALID, Outcome.TOO_LARGE, Outcome.VIDEO])
def test_a_failure_is_remembered_for_a_week(
    database: Path, requests: list[str], monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    url = f"https://i.pinimg.com/{outcome}.jpg"
    counts = []
    for day in (0, 1, 6.9, 7, 13.9):
        set_clock(monkeypatch, day)
        images = PinImages(database)
        assert images.of(pins(url)) == {KEY: VIDEO if outcome == Outcome.VIDEO else NO_IMAGE}
        assert IN_WORDS[outcome] in images.summary()
        counts.append(len(requests))
    assert counts == [1, 1, 1, 2, 2]


@pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.LATE, Outcome.REFUSED])
def test_a_failure_of_the_network_is_not_remembered(database: Path, requests: list[str], outcome: Outcome) -> None:
    for number in (1, 2):
        images = PinImages(database)
        assert images.of(pins(f"https://i.pinimg.com/{outcome}.jpg")) == {KEY: NO_IMAGE}
        assert IN_WORDS[outcome] in images.summary()
        assert len(requests) == number


@pytest.mark.parametrize(
    ("url", "media_type", "is_requested"),
    [
        ("https://v.pinimg.com/a.mp4", "VIDEO", False),
        ("https://v.pinimg.com/a.MP4?x=1", "IMAGE", False),
        ("https://v.pinimg.com/a.m3u8", None, False),
        ("https://v.pinimg.com/videos/1", "video", False),
        ("https://i.pinimg.com/cover.jpg", "VIDEO", True),
        ("https://i.pinimg.com/a", "IMAGE", True),
        ("https://i.pinimg.com/a", None, True),
    ],
)
def test_videos_are_not_requested_but_their_covers_are(
    database: Path, requests: list[str], url: str, media_type: str | None, is_requested: bool
) -> None:
    shown = PinImages(database).of(pins(url, media_type=media_type))
    assert shown == {KEY: THUMBNAIL if is_requested else VIDEO}
    assert requests == [url] * is_requested


@pytest.mark.parametrize("url", [None, "", " ", "u", "1.jpg", "javascript:alert(1)"])
def test_a_pin_without_a_usable_address_gets_the_placeholder(
    database: Path, requests: list[str], url: str | None
) -> None:
    assert PinImages(database).of(pins(url)) == {KEY: NO_IMAGE}
    assert requests == []


def test_the_summary_counts_over_all_calls_and_names_every_reason(database: Path, requests: list[str]) -> None:
    images = PinImages(database)
    assert images.summary() == "No picture was fetched, because the report names no pin."
    images.of(pins(URL, "https://i.pinimg.com/b.jpg", "https://i.pinimg.com/a.mp4", "https://i.pinimg.com/b.mp4"))
    images.of(pins("https://i.pinimg.com/missing.jpg", account="pin_b"))
    assert images.summary() == ("Fetched 2 pictures; 3 of 5 pins have none: a video (2), no longer at its address (1).")


def test_a_file_of_another_tool_is_not_changed(tmp_path: Path, requests: list[str]) -> None:
    path = tmp_path / "cache.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE pins AS SELECT 'pin_a' AS social_network_id")
    before = path.read_bytes()
    images = PinImages(path)
    assert images.of(pins(URL)) == {KEY: THUMBNAIL}
    assert path.read_bytes() == before
    assert images.summary().endswith(f"; they could not be kept in {path}, so the next report fetches them again.")


def test_a_file_in_use_still_shows_what_was_fetched(database: Path, requests: list[str]) -> None:
    with duckdb.connect(database, read_only=True):  # a notebook of this process, for example
        images = PinImages(database)
        assert images.of(pins(URL)) == {KEY: THUMBNAIL}
        assert "could not be kept" in images.summary()
    with duckdb.connect(database, config={"threads": 1}):
        assert PinImages(database).of(pins(URL)) == {KEY: THUMBNAIL}
    assert PinImages(database).of(pins(URL)) == {KEY: THUMBNAIL}
    assert len(requests) == 3


def test_a_file_that_is_gone_is_not_created_again(tmp_path: Path, requests: list[str]) -> None:
    images = PinImages(tmp_path / "gone.duckdb")
    assert images.of(pins(URL)) == {KEY: THUMBNAIL}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "table", ["SELECT 1 AS x", "SELECT 'pin_a' AS social_network_id, 1 AS id, 'p' AS path, 's' AS status"]
)
def test_a_table_of_another_form_is_left_alone(database: Path, requests: list[str], table: str) -> None:
    with duckdb.connect(database) as connection:
        connection.execute(f"CREATE TABLE _pin_images AS {table}")
    assert PinImages(database).of(pins(URL)) == {KEY: THUMBNAIL}
    with duckdb.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM _pin_images").fetchall() == [(1,)]


def test_a_status_of_a_newer_version_gets_the_placeholder(database: Path, requests: list[str]) -> None:
    stored = StoredImage("/736x/a.jpg", "tomorrow's word", NOW.replace(tzinfo=None), None)
    assert write_pin_images(database, {KEY: stored})
    assert PinImages(database).of(pins(URL)) == {KEY: NO_IMAGE}
    assert requests == []


def test_many_pictures_are_stored_and_read_again(database: Path) -> None:
    images = {
        ("pin_a", str(number)): StoredImage(f"/{number}", "fetched", datetime(2026, 5, 1), bytes([number % 256]) * 5)
        for number in range(1200)
    }
    assert write_pin_images(database, images)
    assert write_pin_images(database, dict(list(images.items())[::2]))
    assert read_pin_images(database, list(images)) == images


def test_two_reports_at_once_lose_no_picture(database: Path) -> None:
    def write(account: str) -> None:
        image = StoredImage("/a", "fetched", datetime(2026, 5, 1), b"a")
        done[account] = write_pin_images(database, {(account, "1"): image})

    done: dict[str, bool] = {}
    threads = [threading.Thread(target=write, args=(f"pin_{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = read_pin_images(database, [(account, "1") for account in done])
    assert {account for account, _ in stored} == {account for account, is_done in done.items() if is_done} != set()
