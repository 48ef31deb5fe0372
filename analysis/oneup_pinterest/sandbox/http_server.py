"""Send responses over HTTP, whole or deliberately broken."""

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

from oneup_pinterest.sandbox.faults import Fault, apply_edit
from oneup_pinterest.sandbox.malformed_bodies import chunk_body, drip, gzip_body
from oneup_pinterest.sandbox.pictures import PATH as PICTURES

_JSON = "application/json"
_HTML = "text/html; charset=utf-8"
_LOGIN_PAGE = b"<!DOCTYPE html><html><body><h1>Log in</h1><p>All made up.</p></body></html>"


@dataclass(frozen=True)
class Response:
    """A response.

    `dropped` is where the connection breaks off; `raw` is sent instead of it, and then the connection closes.
    """

    status: int
    body: bytes
    content_type: str = _JSON
    headers: dict[str, str] = field(default_factory=dict)
    announced_length: int | None = None
    dropped: str | None = None
    raw: Iterator[bytes] | None = None

    @classmethod
    def of_json(cls, body: Any, status: int = 200) -> Response:
        """Return a response with a JSON body."""
        return cls(status, json.dumps(body).encode())

    def with_fault(self, fault: Fault) -> Response:
        """Return this response with a fault in it."""
        details = fault.details
        match fault.kind:
            case "status" | "body":
                return _replaced(details)
            case "drop":
                # Status 0 in the log: no response at all.
                status = 0 if details["when"] == "before" else self.status
                return replace(self, status=status, dropped=details["when"])
            case "truncate":
                return replace(self, body=self.body[: len(self.body) // 2])
            case "wrong_length":
                return replace(self, announced_length=len(self.body) + 100)
            case "redirect":
                return Response(302, b"", _HTML, {"Location": details["location"]})
            case "edit":
                changed = apply_edit(json.loads(self.body), details["edit"])
                return replace(self, body=json.dumps(changed).encode())
            case "gzip":
                compressed = gzip_body(self.body, details["how"], details["megabytes"])
                return replace(self, body=compressed, headers={**self.headers, "Content-Encoding": "gzip"})
            case "brotli":
                headers = {**self.headers, "Content-Encoding": "br"}
                return replace(self, body=zlib.compress(self.body), headers=headers)
            case "chunked":
                head = self.head({"Transfer-Encoding": "chunked"}, close=True)
                return replace(self, raw=chain([head], chunk_body(self.body, details["how"])))
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
                spaces = drip(pause, details.get("megabytes"))
                head = self.head({})
                if details.get("where") == "head":
                    head = head[:-2] + b"X-Slow: "
                return replace(self, raw=chain([head, start], spaces))
            case "slow":
                time.sleep(details["seconds"])
                return self
        raise ValueError(f"there is no fault of kind {fault.kind!r}")

    def _after(self, status: int, seconds: float) -> Iterator[bytes]:
        yield f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n\r\n".encode()
        time.sleep(seconds)
        yield self.head(self._length()) + self.body

    def _length(self) -> dict[str, str]:
        length = len(self.body) if self.announced_length is None else self.announced_length
        return {"Content-Length": str(length)}

    def head(self, framing: Mapping[str, str], *, close: bool = False) -> bytes:
        """Return the status line and the headers; the headers in `framing` define where the body ends."""
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
        """Return the head and the body."""
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
    """What the server gets its responses from."""

    def respond(self, path: str, params: dict[str, str], accept: str) -> Response:
        """Return the response to an API request."""

    def picture(self, path: str) -> Response:
        """Return the picture of a pin."""

    def control(self, method: str, path: str, body: bytes) -> Response:
        """Return the response to a request under /_sandbox."""


class Server(ThreadingHTTPServer):
    """The HTTP server; it listens on the loopback interface only."""

    daemon_threads = True
    # A burst of clients waits in the queue and is not refused.
    request_queue_size = 256

    def __init__(self, port: int, responder: Responder) -> None:
        """Bind the port (0: any free one)."""
        self.responder = responder
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without the reverse name lookup of HTTPServer, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keep the connection, so that stop() can close it."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log no clients that hang up; faults make them do so."""

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
        self._respond("GET")

    def do_PUT(self) -> None:
        self._respond("PUT")

    def do_POST(self) -> None:
        self._respond("POST")

    def do_DELETE(self) -> None:
        self._respond("DELETE")

    def _respond(self, method: str) -> None:
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
        elif path.startswith(PICTURES):
            self._send(responder.picture(path))
        else:
            params = dict(parse_qsl(target.query, keep_blank_values=True))
            self._send(responder.respond(path, params, self.headers.get("Accept", "")))

    def _send(self, response: Response) -> None:
        if response.raw is not None:
            self.close_connection = True
            for part in response.raw:
                self.wfile.write(part)
            return
        is_broken = response.dropped is not None or response.announced_length is not None
        self.close_connection = self.close_connection or is_broken
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
        """Log nothing: a request line contains the key."""
