"""Share responses between the streams of a sync."""

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, NamedTuple
from weakref import finalize

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ResponseAction

from .chunking import ByteRange, split_pins
from .errors import traced
from .limits import limit_size
from .payload import PINS, value_at_path
from .statuses import status_rule

KEPT_HEADERS = ("Retry-After",)  # no other is read, and others may repeat the URL with the key


class BufferedResponse(requests.Response):
    """Hold a response that was read to its end, and parse its JSON once.

    If it has many pins, all but the last are in the file of the response cache.
    """

    def __init__(
        self,
        request: requests.PreparedRequest,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        pin_lists: list[ByteRange],
        cache: "ResponseCache",
    ):
        super().__init__()
        self.request = request
        self.url = request.url or ""
        self.status_code = status
        self.headers = requests.structures.CaseInsensitiveDict(headers)
        self.encoding = "utf-8-sig"  # some editors save files with a byte order mark
        self._content, self._content_consumed = body, True  # as `requests` leaves it when everything is read
        self._parsed: Any = None
        self._cache = cache
        self.pin_lists = pin_lists

    def json(self, **kwargs: Any) -> Any:
        if self._parsed is None:
            self._parsed = super().json(**kwargs)
        return self._parsed

    def pins(self) -> Iterator[Any]:
        """Yield all pins in order, with one list in memory at a time."""
        for pin_list in self.pin_lists:
            yield from json.loads(self._cache.read(pin_list))
        yield from value_at_path(self.json(), PINS)

    @property
    def is_final(self) -> bool:
        """Return whether a retry would bring the same response."""
        if self.status_code != 200:
            return status_rule(self.status_code).action == ResponseAction.FAIL
        try:
            self.json()
        except (ValueError, RecursionError):  # the body may have been cut short
            return False
        return True


class CacheEntry(NamedTuple):
    """A response whose body is in the file of the cache."""

    status: int
    headers: dict[str, str]
    body: ByteRange
    pin_lists: list[ByteRange]


class ResponseCache:
    """Keep the responses of one sync, so that streams of one endpoint send each request once.

    Bodies are in an unnamed temporary file: memory stays flat, and nothing is left behind. (The CDK's own cache has one
    file per stream, so streams cannot share it.)
    """

    PIN_LIST_BYTES = 1 << 20  # about 2,000 pins, more than most accounts publish in 90 days

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._entries: dict[str, CacheEntry] = {}
        self._url_locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, request: requests.PreparedRequest, send: Callable[[], BufferedResponse]) -> BufferedResponse:
        """Return the kept response to a request, or send it."""
        url = str(request.url)
        with self._lock:
            url_lock = self._url_locks.setdefault(url, threading.Lock())
        with url_lock:  # a second stream with the same request waits for the first one's response
            if url in self._entries:
                status, headers, body, pin_lists = self._entries[url]
                return BufferedResponse(request, status, headers, self.read(body), pin_lists, self)
            response = send()
            if response.is_final:
                body = self.append(response.content)
                self._entries[url] = CacheEntry(response.status_code, dict(response.headers), body, response.pin_lists)
            return response

    def clear(self) -> None:
        """Forget all responses, when no stream needs them any more; none may be in use."""
        with self._lock:
            self._entries.clear()
            self._url_locks.clear()
            if self._file is not None:
                self._file.truncate(0)

    def buffer(
        self, request: requests.PreparedRequest, response: requests.Response, mask: Callable[[bytes], bytes]
    ) -> BufferedResponse:
        """Read a response to its end, mask its body, and free its connection."""
        if response.status_code < 200:
            response.raw.close()  # the final response is still to come, and would be taken for the next request's
        try:
            chunks = limit_size(response.iter_content(1 << 18))
            body, pin_lists = split_pins(chunks, lambda pins: self.append(mask(pins)), self.PIN_LIST_BYTES)
        finally:
            response.close()
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        return BufferedResponse(request, response.status_code, headers, mask(body), pin_lists, self)

    def append(self, data: bytes) -> ByteRange:
        """Write to the end of the file, or leave the file as it was and fail."""
        with self._lock, _explain_full_disk():
            file = self._open()
            offset = file.seek(0, os.SEEK_END)
            try:
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            except OSError:
                file.truncate(offset)  # what the file held before can still be read
                raise
            return ByteRange(offset, len(data))

    def read(self, byte_range: ByteRange) -> bytes:
        with self._lock, _explain_full_disk():
            file = self._open()
            file.seek(byte_range.offset)
            return file.read(byte_range.length)

    def _open(self) -> IO[bytes]:
        if self._file is None:  # `spec` and `discover` need no file
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the cache
            finalize(self, self._file.close)
        return self._file


@contextmanager
def _explain_full_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise traced(
            f"OneUp's responses cannot be kept in the temporary folder {tempfile.gettempdir()} ({error.strerror}): "
            "free space there, or set TMPDIR to another folder, then sync again.",
            FailureType.transient_error,
        ) from None
