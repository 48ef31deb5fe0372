"""The report with pictures: from the sandbox while it runs, then from the database, and not at all if asked."""

import base64
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from PIL import Image

from integration_tests.databases import rows
from integration_tests.in_process import run_command
from oneup_pinterest.demo import demo
from oneup_pinterest.images import NO_IMAGE, VIDEO, PinImages
from oneup_pinterest.report import write_report
from oneup_pinterest.report.context import page_of
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON
from test_support.old_duckdb import WITH_OLD_DUCKDB, requires_old_duckdb
from tools.released import build, fixtures

FETCHED = "SELECT social_network_id, id FROM _pin_images WHERE status = 'fetched' ORDER BY ALL"


@pytest.fixture
def with_pictures(monkeypatch: pytest.MonkeyPatch, database: Path) -> Iterator[Sandbox]:
    """Yield a sandbox with pictures, from which `database` has been synced."""
    monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
    with Sandbox(accounts=2, now=NOON, pictures=True) as sandbox:
        assert sync({**sandbox.config(), "start_date": "2026-05-01"}, database).status == "done"
        yield sandbox


def as_image(uri: str) -> Image.Image:
    kind, _, data = uri.partition(";base64,")
    assert kind == "data:image/webp"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_pictures_of_the_sandbox_are_fetched_once(with_pictures: Sandbox, database: Path) -> None:
    first, second = PinImages(database, sandbox=with_pictures.url), PinImages(database, sandbox=with_pictures.url)

    shown = page_of(database, first)["images"]

    fetched = {key for key, uri in shown.items() if uri not in (NO_IMAGE, VIDEO)}
    assert fetched
    assert VIDEO in shown.values()
    assert NO_IMAGE not in shown.values()
    assert {as_image(shown[key]).size for key in fetched} == {(107, 160)}
    assert set(rows(database, FETCHED)) == fetched
    assert len(with_pictures.picture_requests) == len(set(with_pictures.picture_requests)) == len(fetched)
    assert f"Fetched {len(fetched)} pictures; {len(shown) - len(fetched)} of {len(shown)} pins" in first.summary()
    assert page_of(database, second)["images"] == shown
    assert f"Fetched 0 pictures and took {len(fetched)} from the database" in second.summary()
    assert len(with_pictures.picture_requests) == len(fetched)


@pytest.mark.slow
def test_pictures_outlive_the_sandbox_and_a_sync(with_pictures: Sandbox, database: Path) -> None:
    shown = page_of(database, PinImages(database, sandbox=with_pictures.url))["images"]
    sync({**with_pictures.config(), "start_date": "2026-05-01"}, database)
    with_pictures.__exit__(None, None, None)

    assert page_of(database, PinImages(database))["images"] == shown


@pytest.mark.slow
def test_no_images_and_a_plain_call_request_nothing(with_pictures: Sandbox, database: Path, tmp_path: Path) -> None:
    before = database.read_bytes()
    write_report(database, tmp_path / "plain.html")
    ended = run_command("report", "--no-images", "--database", database, "--output", tmp_path / "report.html")

    assert ended.returncode == 0
    assert ended.stderr == ""
    assert page_of(database)["images"] == {}
    assert with_pictures.picture_requests == []
    assert database.read_bytes() == before


def test_the_command_does_not_request_addresses_of_this_machine(
    with_pictures: Sandbox, database: Path, tmp_path: Path
) -> None:
    """Only the demo knows that its sandbox runs; in a real database such an address is an attack."""
    output = tmp_path / "report.html"
    ended = run_command("report", "--database", database, "--output", output)

    assert ended.returncode == 0
    assert ended.stdout.strip() == str(output)
    assert re.fullmatch(
        r"Fetched 0 pictures; (\d+) of \1 pins have none: an address that is not public https \(\d+\), "
        r"a video \(\d+\)\.\n",
        ended.stderr,
    )
    assert with_pictures.picture_requests == []
    assert rows(database, "FROM _pin_images") == []


@pytest.mark.slow
def test_a_report_during_a_lock_shows_what_it_could_fetch(
    with_pictures: Sandbox, database: Path, tmp_path: Path
) -> None:
    images = PinImages(database, sandbox=with_pictures.url)
    with duckdb.connect(database, read_only=True):
        page = write_report(database, tmp_path / "report.html", images)

    assert page.stat().st_size
    assert with_pictures.picture_requests
    assert f"they could not be kept in {database}, so the next report fetches them again." in images.summary()
    assert rows(database, "FROM _pin_images") == []


@pytest.mark.slow
@pytest.mark.parametrize("fixture", fixtures(), ids=lambda path: path.stem)
def test_a_file_of_a_released_version_keeps_pictures_through_its_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fixture: Path
) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
    database = tmp_path / "released.duckdb"
    build(fixture, database)
    with Sandbox(accounts=2, now=NOON, pictures=True) as sandbox:
        pins = rows(database, "SELECT DISTINCT social_network_id, id FROM pins ORDER BY ALL LIMIT 3")
        with duckdb.connect(database) as connection:
            connection.execute(
                "UPDATE _pin_attributes SET format = 'image', media_url = ? || '/pictures/home/' || id || '.png'",
                [sandbox.url],
            )
        shown = page_of(database, PinImages(database, sandbox=sandbox.url))["images"]
        kept = rows(database, FETCHED)
        assert kept == sorted(shown)
        assert set(shown) & set(pins)
        sync({**sandbox.config(), "start_date": "2026-05-12"}, database)
    assert rows(database, FETCHED) == kept


@pytest.mark.slow
def test_a_name_server_that_hangs_leaves_nothing_but_the_sentence(with_pictures: Sandbox, database: Path) -> None:
    with duckdb.connect(database) as connection:
        connection.execute("UPDATE _pin_attributes SET format = 'image', media_url = 'https://i.pinimg.com/a.jpg'")
    code = """
import socket, sys, time
import oneup_pinterest.images.pin_images
from oneup_pinterest.cli import main
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
oneup_pinterest.images.pin_images.SECONDS = 0.3
main(["report", "--database", sys.argv[1], "--output", sys.argv[1] + ".html"])
"""
    started = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code, str(database)], capture_output=True, text=True, check=False)

    assert ended.returncode == 0
    assert ended.stdout == f"{database}.html\n"
    assert re.fullmatch(r"Fetched 0 pictures; .* left for the next report .*\.\n", ended.stderr)
    assert time.monotonic() - started < 60


@requires_old_duckdb
@pytest.mark.slow
def test_a_file_with_pictures_is_readable_by_the_older_duckdb(with_pictures: Sandbox, database: Path) -> None:
    page_of(database, PinImages(database, sandbox=with_pictures.url))
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql(sys.argv[2]).fetchall())"
    query = "SELECT count(*) FROM _pin_images WHERE octet_length(webp) > 0"
    command = [sys.executable, "-c", code, str(database), query]
    ended = subprocess.run(command, env={**os.environ, **WITH_OLD_DUCKDB}, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == str(rows(database, query))


@pytest.mark.slow
def test_the_demo_shows_the_pictures_of_its_sandbox(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = tmp_path / "demo.duckdb"
    demo(database, tmp_path / "report.html", days=2)
    assert rows(database, FETCHED)
    assert re.search(r"^Fetched [1-9]\d* pictures; ", capsys.readouterr().err, re.MULTILINE)
