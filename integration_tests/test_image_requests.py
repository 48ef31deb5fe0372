"""What is requested for a picture, over real https: where the connection goes, what it carries, and when it ends."""

import base64
import io
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from PIL import Image
from urllib3.util import connection as urllib3_connection

from integration_tests.image_host import (
    HOST,
    PUBLIC,
    Handler,
    Host,
    Reply,
    fetch,
    outcome_of,
    picture,
    serve_pictures,
    whole,
)
from oneup_pinterest.images import connections
from oneup_pinterest.images.addresses import sandbox_address
from oneup_pinterest.images.fetching import MAX_BYTES, MAX_FAILURES
from oneup_pinterest.images.outcomes import Outcome


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    yield from serve_pictures(tmp_path, monkeypatch)


def test_the_connection_goes_to_the_checked_address_under_the_name_of_the_host(host: Host) -> None:
    urls = [f"https://{HOST}/a.jpg?size=2&n={number}" for number in range(20)]

    assert fetch(*urls) == [Outcome.FETCHED] * 20

    assert set(host.connected) == {(PUBLIC, 443)}
    assert len(host.connected) <= 8  # connections are used again
    assert sorted(head["path"] for head in host.heads) == sorted(url.partition(HOST)[2] for url in urls)
    assert set(host.looked_up) == {HOST, "127.0.0.1"}  # the latter is this test's own connection


def test_a_name_that_changes_its_address_is_not_looked_up_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = socket.getaddrinfo

    def rebind(name: str, *arguments: Any, **options: Any) -> Any:
        found = checked(name, *arguments, **options)
        host.ips[HOST] = ["127.0.0.1"]
        return found

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    assert outcome_of("/a.jpg") == Outcome.FETCHED
    assert host.connected == [(PUBLIC, 443)]


def test_a_request_carries_nothing_about_the_user(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text(f"machine {HOST} login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("ONEUP_API_KEY", "a-secret-key")
    host.replies["/first.jpg"] = whole(b"", 302, Location="/a.jpg", Set_Cookie="session=1")

    assert outcome_of("/first.jpg") == Outcome.FETCHED

    assert [head.pop("path") for head in host.heads] == ["/first.jpg", "/a.jpg"]
    for head in host.heads:
        assert head == {
            "host": HOST,
            "accept": "image/webp,image/png,image/jpeg,image/gif",
            "accept-encoding": "identity",
            "user-agent": "source-oneup-pinterest",
        }


def test_a_certificate_of_another_host_is_not_accepted(host: Host) -> None:
    host.ips["other.pinimg.com"] = [PUBLIC]
    assert fetch("https://other.pinimg.com/a.jpg") == [Outcome.UNREACHABLE]
    assert host.heads == []


def test_an_untrusted_certificate_is_not_accepted(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert outcome_of("/a.jpg") == Outcome.UNREACHABLE
    assert host.heads == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_certificates_mean_no_pictures(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    if content:
        (tmp_path / "other.pem").write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    assert outcome_of("/a.jpg") == Outcome.UNREACHABLE


def test_the_second_address_is_tried_when_the_first_does_not_respond(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.ips[HOST] = ["151.101.64.84", PUBLIC]
    create = urllib3_connection.create_connection

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        if address[0] != PUBLIC:
            raise OSError("no route")
        return create(address, *arguments, **options)

    monkeypatch.setattr(urllib3_connection, "create_connection", create_connection)
    assert outcome_of("/a.jpg") == Outcome.FETCHED


@pytest.mark.parametrize(
    ("location", "outcome"),
    [
        ("/a.jpg", Outcome.FETCHED),
        (f"https://{HOST}/a.jpg", Outcome.FETCHED),
        (f"//{HOST}/a.jpg", Outcome.FETCHED),
        (f"http://{HOST}/a.jpg", Outcome.REFUSED),
        ("https://127.0.0.1/a.jpg", Outcome.REFUSED),
        ("https://10.0.0.1/a.jpg", Outcome.REFUSED),
        ("https://169.254.169.254/latest/meta-data/", Outcome.REFUSED),
        ("https://internal.pinimg.com/a.jpg", Outcome.REFUSED),
        (f"https://{HOST}:8443/a.jpg", Outcome.REFUSED),
        (f"https://me:secret@{HOST}/a.jpg", Outcome.REFUSED),
        ("file:///etc/passwd", Outcome.REFUSED),
        ("https://[", Outcome.REFUSED),
        ("https://[::1]]/", Outcome.REFUSED),
        ("https://" + "a" * 70 + ".com/", Outcome.UNREACHABLE),
        ("https://unknown.pinimg.com/a.jpg", Outcome.UNREACHABLE),
    ],
)
def test_a_redirect_is_checked_like_the_first_address(host: Host, location: str, outcome: Outcome) -> None:
    host.ips["internal.pinimg.com"] = [PUBLIC, "192.168.0.1"]
    host.replies["/first.jpg"] = whole(b"", 302, Location=location)

    assert outcome_of("/first.jpg") == outcome

    assert len(host.heads) == 1 + (outcome == Outcome.FETCHED)
    assert set(host.connected) == {(PUBLIC, 443)}


def test_three_redirects_are_followed_and_no_more(host: Host) -> None:
    for number in range(9):
        host.replies[f"/{number}.jpg"] = whole(b"", 301, Location=f"/{number + 1}.jpg" if number < 8 else "/a.jpg")
    host.replies["/loop.jpg"] = whole(b"", 308, Location="/loop.jpg")

    assert fetch(f"https://{HOST}/6.jpg", f"https://{HOST}/5.jpg") == [Outcome.FETCHED, Outcome.INVALID]
    host.heads.clear()
    assert outcome_of("/loop.jpg") == Outcome.INVALID
    assert len(host.heads) == 4


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (whole(b"", 404), Outcome.MISSING),
        (whole(b"", 403), Outcome.MISSING),
        (whole(b"", 410), Outcome.MISSING),
        (whole(b"", 304), Outcome.MISSING),
        (whole(b"", 302), Outcome.MISSING),  # without a location
        (whole(b"", 429), Outcome.UNREACHABLE),
        (whole(b"", 503), Outcome.UNREACHABLE),
        (whole(b"<html>Log in</html>", content_type="text/html; charset=utf-8"), Outcome.INVALID),
        (whole(b"<html>Log in</html>"), Outcome.INVALID),
        (whole(picture(), content_type="text/html"), Outcome.INVALID),
        (whole(picture()[:-400]), Outcome.INVALID),
        (whole(picture(), content_type="application/octet-stream"), Outcome.FETCHED),
        (whole(picture(), content_type=""), Outcome.FETCHED),
        (whole(b"mp4", content_type="video/mp4"), Outcome.VIDEO),
        (whole(zlib.compress(picture()), Content_Encoding="deflate"), Outcome.INVALID),
        (whole(b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/svg+xml"), Outcome.INVALID),
        (whole(b"", Content_Length=MAX_BYTES + 1), Outcome.TOO_LARGE),
        (whole(b"", Content_Length="9" * 30), Outcome.TOO_LARGE),
        (whole(picture(), Content_Length=len(picture()) + 9, Connection="close"), Outcome.UNREACHABLE),
    ],
)
def test_what_a_response_means(host: Host, reply: Reply, outcome: Outcome) -> None:
    def then_close(handler: Handler) -> None:
        reply(handler)
        handler.close_connection = True

    host.replies["/x.jpg"] = then_close
    assert outcome_of("/x.jpg") == outcome


@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_endless_image_is_cut_after_five_megabytes(host: Host, is_chunked: bool) -> None:
    sent = 0

    def reply(handler: Handler) -> None:
        nonlocal sent
        handler.head(**({"Transfer_Encoding": "chunked"} if is_chunked else {"Connection": "close"}))
        block = bytes(1 << 16)
        framed = b"%x\r\n%b\r\n" % (len(block), block) if is_chunked else block
        while sent < 20 * MAX_BYTES:
            handler.wfile.write(framed)
            sent += len(block)

    host.replies["/x.jpg"] = reply
    assert outcome_of("/x.jpg") == Outcome.TOO_LARGE
    assert sent < 4 * MAX_BYTES  # what the system buffers on the way


def test_an_image_of_five_megabytes_is_accepted(host: Host) -> None:
    host.replies["/x.jpg"] = whole(picture() + bytes(MAX_BYTES - len(picture())))
    assert outcome_of("/x.jpg") == Outcome.FETCHED


def test_an_image_of_too_many_pixels_is_not_decoded(host: Host) -> None:
    out = io.BytesIO()
    Image.new("1", (10, 10)).save(out, "PNG")
    announced = out.getvalue().replace(struct.pack(">II", 10, 10), struct.pack(">II", 30_000, 30_000))
    head, tail = announced[12:29], announced[33:]  # between them is the checksum of the size
    body = announced[:12] + head + struct.pack(">I", zlib.crc32(head)) + tail
    host.replies["/x.png"] = whole(body, content_type="image/png")
    assert outcome_of("/x.png") == Outcome.TOO_LARGE


def drip(where: str) -> Reply:
    def reply(handler: Handler) -> None:
        parts = [b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n", b"X: ", b"\r\n\r\n" + picture()]
        handler.wfile.write(b"".join(parts[: {"head": 2, "body": 3}[where]]))
        for _ in range(200):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    return reply


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_dripping_server_does_not_hold_up_the_others(host: Host, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(connections, "IMAGE_SECONDS", 0.5)
    host.ips["slow.pinimg.com"] = [PUBLIC]
    host.replies["/slow.jpg"] = drip(where)
    started = time.monotonic()
    slow, quick = fetch(f"https://{HOST}/slow.jpg", f"https://{HOST}/a.jpg")
    assert (slow, quick) == (Outcome.UNREACHABLE, Outcome.FETCHED)
    assert time.monotonic() - started < 5


def test_everything_ends_with_the_budget(host: Host) -> None:
    host.replies["/slow.jpg"] = drip("body")
    host.replies["/never.jpg"] = lambda handler: time.sleep(3)
    urls = [f"https://{HOST}/{name}.jpg?{n}" for n in range(10) for name in ("slow", "never")]
    started = time.monotonic()

    outcomes = fetch(*urls, seconds=1)

    assert time.monotonic() - started < 2
    assert set(outcomes) == {Outcome.LATE}


def test_a_name_server_that_hangs_does_not_hold_up_the_report(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    end = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(60) and [])
    started = time.monotonic()
    assert outcome_of("/a.jpg", seconds=0.5) == Outcome.LATE
    assert time.monotonic() - started < 2
    end.set()


def test_a_host_that_does_not_respond_is_soon_left_out(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(urllib3_connection, "create_connection", refuse)
    assert set(fetch(*(f"https://{HOST}/a.jpg?{n}" for n in range(200)))) == {Outcome.UNREACHABLE}
    assert MAX_FAILURES <= len(tried) <= MAX_FAILURES + 8


@pytest.mark.parametrize("login", ["", "me:s%40cret@"])
def test_a_company_proxy_is_asked_for_the_checked_address_and_keeps_its_login(
    host: Host, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    heads: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def proxy() -> None:
        client, _ = listener.accept()
        heads.append(client.recv(65536))
        server = socket.create_connection(("127.0.0.1", host.server_port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, target in ((client, server), (server, client)):
            Thread(target=pump, args=(source, target), daemon=True).start()

    def pump(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)

    Thread(target=proxy, daemon=True).start()
    port = listener.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://{login}127.0.0.1:{port}")
    monkeypatch.setattr(
        urllib3_connection, "create_connection", lambda address, *_, **__: socket.create_connection(address)
    )
    with listener:
        assert outcome_of("/a.jpg") == Outcome.FETCHED

    assert heads[0].startswith(f"CONNECT {PUBLIC}:443 HTTP/1.".encode())
    assert (b"proxy-authorization: Basic " + base64.b64encode(b"me:s@cret") in heads[0]) is bool(login)
    assert [set(head) & {"proxy-authorization", "authorization"} for head in host.heads] == [set()]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://127.0.0.1:9", "http://["])
def test_a_proxy_that_cannot_be_used_means_no_pictures(host: Host, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert outcome_of("/a.jpg") == Outcome.UNREACHABLE
    assert host.heads == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_of_this_machine_gets_no_request(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for sandbox in (None, sandbox_address("http://127.0.0.1:1")):
            assert fetch(f"{scheme}://127.0.0.1:{port}/pictures/home/1.png", sandbox=sandbox) == [Outcome.REFUSED]
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()
