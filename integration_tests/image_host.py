"""A host of pictures over real https, under a name that tests resolve to it."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PIL import Image
from urllib3.util import connection as urllib3_connection

from oneup_pinterest.console import WAITING_THREAD
from oneup_pinterest.images.fetching import fetch_thumbnails
from oneup_pinterest.images.outcomes import Outcome
from test_support.certificates import server_context

HOST, PUBLIC = "i.pinimg.com", "151.101.0.84"
Reply = Callable[["Handler"], None]


def picture(size: tuple[int, int] = (300, 450)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG")
    return out.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Logs the request, and replies as the test has chosen for its path."""

    protocol_version = "HTTP/1.1"
    server: "Host"

    def do_GET(self) -> None:
        self.server.heads.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        self.server.replies[self.path.partition("?")[0]](self)

    def head(self, status: int = 200, content_type: str = "image/jpeg", **headers: object) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Host(ThreadingHTTPServer):
    """The host of images on this machine, and what reached it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heads: list[dict[str, str]] = []
        self.replies: dict[str, Reply] = {"/a.jpg": whole(picture())}
        self.connected: list[tuple[str, int]] = []  # where the kit believed to connect to
        self.ips: dict[str, list[str]] = {HOST: [PUBLIC]}
        self.looked_up: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients hang up on purpose


def whole(body: bytes, status: int = 200, content_type: str = "image/jpeg", **headers: object) -> Reply:
    def reply(handler: Handler) -> None:
        handler.head(status, content_type, **{"Content_Length": len(body), **headers})
        handler.wfile.write(body)

    return reply


def serve_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Serve https as i.pinimg.com: its name leads to a public IP address, and connections to that come here."""
    server = Host()
    server.socket = server_context(tmp_path, HOST).wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    look_up, connect = socket.getaddrinfo, urllib3_connection.create_connection

    def getaddrinfo(name: str, port: int, *arguments: Any, **options: Any) -> Any:
        server.looked_up.append(name)
        if name in server.ips:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in server.ips[name]]
        if name.replace(".", "").isdecimal():
            return look_up(name, port, *arguments, **options)
        raise socket.gaierror(socket.EAI_NONAME, "unknown name")

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        server.connected.append(address)
        return connect(("127.0.0.1", server.server_port), *arguments, **options)

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(urllib3_connection, "create_connection", create_connection)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    for waiting in threading.enumerate():
        if waiting.name == WAITING_THREAD:
            waiting.join(10)  # or it would use the network without these patches


def fetch(*urls: str, seconds: float = 20, **options: Any) -> list[Outcome]:
    found = fetch_thumbnails({("pin_a", str(n)): url for n, url in enumerate(urls)}, seconds, **options)
    for each in found.values():
        assert (each.webp is not None) is (each.outcome == Outcome.FETCHED)
    return [found["pin_a", str(n)].outcome for n in range(len(urls))]


def outcome_of(path: str, **options: Any) -> Outcome:
    return fetch(f"https://{HOST}{path}", **options)[0]
