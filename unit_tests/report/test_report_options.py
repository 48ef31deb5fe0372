"""A report for one client: chosen accounts and days, a title and a logo, and nothing of anybody else."""

import base64
import struct
import zlib
from datetime import timedelta
from html import unescape
from pathlib import Path

import duckdb
import pytest

from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.report import write_report
from oneup_pinterest.report.logo import logo_uri
from test_support.history import LAST_DAY, NOW, insert_run, make_history
from test_support.two_tables import copied_as_synced

JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////"
    "////////2wBDAf//////////////////////////////////////////////////////////////////////////////////////wAARCAABAAED"
    "ASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAAAP/EABQRAQAA"
    "AAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AKAA/9k="
)
WEBP = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    pixels = zlib.compress((b"\0" + b"\x80" * 3 * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
def two_clients(tmp_path: Path) -> Path:
    """Return a file of two clients; of one, every trace that a file can have holds the word "wombat"."""
    flat = make_history(tmp_path / "flat.duckdb", accounts=("pin_quokka", "pin_wombat"), days=30)
    database = copied_as_synced(flat, tmp_path / "history.duckdb")
    with duckdb.connect(database) as connection:
        connection.execute(
            "UPDATE _pin_attributes SET permalink = 'https://www.pinterest.com/pin/' || id, "
            "media_url = 'https://i.pinimg.com/' || id || '.jpg'"
        )
        connection.execute("UPDATE accounts SET full_name = 'Wombat Ltd' WHERE social_network_id = 'pin_wombat'")
        skipped = [{"social_network_id": "pin_wombat", "reason": "wombat cannot be read"}]
        insert_run(connection, LAST_DAY, "partial", skipped)
        connection.execute("UPDATE _sync_runs SET error = 'pin_wombat failed'")
        connection.execute(
            "INSERT INTO _listed_accounts SELECT 'scrypt:00:11', 'pin_old' || name, name, now(), now(), "
            "CASE WHEN name = 'wombat' THEN now() END FROM (VALUES ('wombat'), ('quokka')) AS listed (name)"
        )
        connection.execute("CREATE SCHEMA wombat")
        connection.execute("CREATE TABLE wombat.accounts AS FROM accounts WHERE social_network_id = 'pin_wombat'")
    return database


def test_a_page_for_one_client_holds_nothing_of_another(two_clients: Path, tmp_path: Path) -> None:
    everything = unescape(write_report(two_clients, tmp_path / "all.html").read_text(encoding="utf-8")).lower()
    chosen = HistoryFile(two_clients, accounts=["@quokka"])

    page = unescape(write_report(chosen, tmp_path / "one.html").read_text(encoding="utf-8")).lower()

    assert everything.count("wombat") > 50
    assert page.count("quokka") > 50
    assert "wombat" not in page
    assert "accounts side by side" not in page


@pytest.mark.slow
def test_a_page_covers_only_the_chosen_days(two_clients: Path, tmp_path: Path) -> None:
    since, until = LAST_DAY - timedelta(days=20), LAST_DAY - timedelta(days=10)
    chosen = HistoryFile(two_clients, since=since, until=until)

    page = write_report(chosen, tmp_path / "report.html").read_text(encoding="utf-8")

    assert "seen on 11 days from 11 Mar 2026 to 21 Mar 2026" in page


@pytest.mark.slow
def test_title_and_logo_stand_in_the_heading(two_clients: Path, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(png())

    page = write_report(two_clients, tmp_path / "report.html", title="<Quokka> & Co", logo=logo).read_text("utf-8")

    assert "<title>&lt;Quokka&gt; &amp; Co</title>" in page
    assert "<bdi>&lt;Quokka&gt; &amp; Co</bdi></h1>" in page
    assert f'src="data:image/png;base64,{base64.b64encode(png()).decode()}"' in page


@pytest.mark.parametrize(("content", "kind"), [(png(), "png"), (JPEG, "jpeg"), (WEBP, "webp")])
def test_pictures_are_embedded_by_their_content(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "logo").write_bytes(content)

    assert logo_uri(tmp_path / "logo") == f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\1\0\1\0",
        png()[:45],
        png().replace(b"\x80", b"\x81").replace(b"IDAT", b"IDAS"),
        png(0, 0),
        png()[:30] + b"\0" + png()[31:],
        JPEG[:-2],
        JPEG[:20] + b"\xff\xd9",
        WEBP[:-3],
        b"RIFF\x22\0\0\0WAVE" + WEBP[12:],
    ],
)
def test_other_files_are_refused_as_logo(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "logo.png").write_bytes(content)

    with pytest.raises(UserError, match=r"logo\.png is not a PNG, JPEG or WebP picture: name one with --logo\.$"):
        logo_uri(tmp_path / "logo.png")


def test_a_missing_or_large_logo_is_refused_before_the_page_is_written(two_clients: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(png() + b"\0" * 1_000_000)
    for logo, sentence in (
        (tmp_path / "none.png", "cannot be read: No such file or directory. Name a picture with --logo."),
        (large, "is larger than 1 MB: name a smaller picture with --logo."),
    ):
        with pytest.raises(UserError) as error:
            write_report(two_clients, tmp_path / "report.html", logo=logo)
        assert (str(error.value), error.value.exit_status) == (f"{logo} {sentence}", 2)
    assert not (tmp_path / "report.html").exists()
