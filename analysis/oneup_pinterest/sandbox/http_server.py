"""What goes over the connection: answers as bytes, whole or spoilt on purpose."""

from __future__ import annotations

import json
import socket
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from socketserver import TCPServer
from threading import Lock
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from oneup_pinterest.sandbox.faults import Fault, edited
from oneup_pinterest.sandbox.malformed_bodies import chunks, dripped, gzipped

_JSON = "application/json"
_HTML = "text/html; charset=utf-8"
_LOGIN_PAGE = b"<!DOCTYPE html><html><body><h1>Log in</h1><p>All made up.</p></body></html>"


@dataclass(frozen=True)
class Response:
    """One answer. `dropped` says where it breaks off; `raw` is sent in its place, after which the connection closes."""

    status: int
    body: bytes
    content_type: str = _JSON
    headers: dict[str, str] = field(default_factory=dict)
    announced_length: int | None = None
    dropped: str | None = None
    raw: Iterator[bytes] | None = None

    @classmethod
    def of_json(cls, answer: Any, status: int = 200) -> Response:
        """An answer that is JSON."""
        return cls(status, json.dumps(answer).encode())

    def with_fault(self, fault: Fault) -> Response:
        """This answer as the fault leaves it."""
        details = fault.details
        match fault.kind:
            case "status" | "body":
                return _replaced(details)
            case "drop":
                # Status 0 in the log: no answer at all.
                status = 0 if details["when"] == "before" else self.status
                return replace(self, status=status, dropped=details["when"])
            case "truncate":
                return replace(self, body=self.body[: len(self.body) // 2])
            case "wrong_length":
                return replace(self, announced_length=len(self.body) + 100)
            case "redirect":
                return Response(302, b"", _HTML, {"Location": details["location"]})
            case "edit":
                answer = edited(json.loads(self.body), details["edit"])
                return replace(self, body=json.dumps(answer).encode())
            case "gzip":
                packed = gzipped(self.body, details["how"], details["megabytes"])
                return replace(self, body=packed, headers={**self.headers, "Content-Encoding": "gzip"})
            case "brotli":
                headers = {**self.headers, "Content-Encoding": "br"}
                return replace(self, body=zlib.compress(self.body), headers=headers)
            case "chunked":
                head = self.head({"Transfer-Encoding": "chunked"}, close=True)
                return replace(self, raw=chain([head], chunks(self.body, details["how"])))
            case "interim":
                return replace(self, raw=self._after(details["status"], details["seconds"]))
            case "status_line":
                _, _, rest = self.head(self._length()).partition(b"\r\n")
                return replace(self, raw=iter([details["line"].encode(), b"\r\n", rest, self.body]))
            case "charset":
                text = json.dumps(json.loads(self.body), ensure_ascii=False)
                return replace(self, body=text.encode(details["charset"], "replace"))
            case "drip" | "flood":
                start, pause = details["start"].encode(), details.get("seconds", 0.0)
                blanks = dripped(pause, details.get("megabytes"))
                head = self.head({})
                if details.get("where") == "head":
                    head = head[:-2] + b"X-Slow: "
                return replace(self, raw=chain([head, start], blanks))
            case "slow":
                time.sleep(details["seconds"])
                return self
        raise ValueError(f"no fault of kind {fault.kind!r}")

    def _after(self, status: int, seconds: float) -> Iterator[bytes]:
        yield f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n\r\n".encode()
        time.sleep(seconds)
        yield self.head(self._length()) + self.body

    def _length(self) -> dict[str, str]:
        length = len(self.body) if self.announced_length is None else self.announced_length
        return {"Content-Length": str(length)}

    def head(self, framing: Mapping[str, str], *, close: bool = False) -> bytes:
        """The status line and the headers; `framing` tells where the body ends."""
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Unknown"
        headers = {
            "Content-Type": self.content_type,
            **framing,
            "Connection": "close" if close else "keep-alive",
            "X-Made-Up-Data": "oneup-pinterest sandbox",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def to_bytes(self, *, close: bool) -> tuple[bytes, bytes]:
        """The head and the body."""
        return self.head(self._length(), close=close), self.body


def _replaced(details: dict[str, Any]) -> Response:
    body = details["body"]
    as_text = isinstance(body, str)
    content_type = details["content_type"]
    if content_type is None:
        content_type = _HTML if as_text and body.lstrip().startswith("<") else _JSON
    return Response(
        details["status"],
        (body if as_text else json.dumps(body)).encode(),
        content_type,
        {name: str(value) for name, value in (details["headers"] or {}).items()},
    )


class Responder(Protocol):
    """What the server asks for its answers."""

    def respond(self, path: str, params: dict[str, str], accept: str) -> Response:
        """The answer to an API request."""

    def control(self, method: str, path: str, body: bytes) -> Response:
        """The answer to a request under /_sandbox."""


class Server(ThreadingHTTPServer):
    """The HTTP server; it listens on the loopback interface only."""

    daemon_threads = True
    # A burst of clients waits in the queue instead of being turned away.
    request_queue_size = 256

    def __init__(self, port: int, responder: Responder) -> None:
        """Take the port (0: a free one)."""
        self.responder = responder
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without the reverse name lookup of HTTPServer, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that stop() can close it."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up; they are part of what is tried here."""

    def stop(self) -> None:
        """Stop listening, and end the connections that clients keep alive."""
        self.shutdown()
        self.server_close()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        responder = cast(Server, self.server).responder
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = urlsplit(self.path)
        path = unquote(target.path)
        if path == "/login":
            self._send(Response(200, _LOGIN_PAGE, _HTML))
        elif path == "/_sandbox" or path.startswith("/_sandbox/"):
            self._send(responder.control(method, path, body))
        elif method != "GET":
            self._send(Response.of_json({"message": f"{method} is not supported."}, 405))
        else:
            params = dict(parse_qsl(target.query, keep_blank_values=True))
            self._send(responder.respond(path, params, self.headers.get("Accept", "")))

    def _send(self, response: Response) -> None:
        if response.raw is not None:
            self.close_connection = True
            for part in response.raw:
                self.wfile.write(part)
            return
        spoilt = response.dropped is not None or response.announced_length is not None
        self.close_connection = self.close_connection or spoilt
        head, body = response.to_bytes(close=self.close_connection and not response.dropped)
        match response.dropped:
            case "before":
                sent = b""
            case "headers":
                sent = head[: len(head) // 2]
            case "body":
                sent = head + body[: len(body) // 2]
            case _:
                sent = head + body
        self.wfile.write(sent)

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: a request line holds the key."""
