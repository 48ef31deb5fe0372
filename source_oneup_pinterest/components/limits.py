"""Limits on how long a response may take and how large it may be."""

import http.client
import io
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import requests

MAX_SECONDS = 120.0  # per response, headers and body; 120 MB at 8 Mbit/s, more than 200,000 pins
MAX_BYTES = 256 << 20


class ResponseTooLarge(requests.RequestException):
    """A body that is so large that it could fill memory or disk."""


class DeadlineReader(io.RawIOBase):
    """Read from a socket for at most `MAX_SECONDS`; a socket's own time-out starts again with every byte."""

    def __init__(self, incoming: io.RawIOBase) -> None:
        self._incoming, self._deadline = incoming, time.monotonic() + MAX_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise TimeoutError("the response did not end in time")
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class DeadlineHTTPResponse(http.client.HTTPResponse):
    """Read a response that ends in time or fails, because an endless one would block a nightly job forever."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(DeadlineReader(sock.makefile("rb", buffering=0)))


def with_deadline(connection: type) -> type:
    """Return a subclass of a connection class whose responses have a deadline."""
    return type(connection.__name__, (connection,), {"response_class": DeadlineHTTPResponse})


def limit_size(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks of an unpacked body.

    Raises:
        ResponseTooLarge: the body has more than `MAX_BYTES`.
    """
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > MAX_BYTES:
            raise ResponseTooLarge
        yield chunk
