"""Fetch thumbnails in parallel within a limited time, from public addresses only."""

import time
from collections import Counter
from collections.abc import Mapping
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import NamedTuple
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from oneup_pinterest.console import WAITING_THREAD
from oneup_pinterest.images.addresses import Address, is_of_sandbox, parse_address, public_addresses
from oneup_pinterest.images.connections import Connections
from oneup_pinterest.images.decoding import make_thumbnail
from oneup_pinterest.images.outcomes import ImageError, Outcome

THREADS = 8
MAX_BYTES = 5 << 20
MAX_REDIRECTS = 3
MAX_ADDRESSES = 2  # of a host that are tried
MAX_FAILURES = 3  # of a host in a row, after which it is asked no more
CHUNK = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)
TEMPORARY = (408, 425, 429)  # and 500 and above
UNNAMED_TYPES = ("", "application/octet-stream", "binary/octet-stream")  # of storage that does not know its files
HEADERS = {
    "Accept": "image/webp,image/png,image/jpeg,image/gif",
    "Accept-Encoding": "identity",  # a compressed image could unpack to anything
    "User-Agent": "source-oneup-pinterest",
}


class Fetched(NamedTuple):
    """How a request ended, with the thumbnail if there is one."""

    outcome: Outcome
    webp: bytes | None = None


def fetch_thumbnails(
    urls: Mapping[tuple[str, str], str], seconds: float, sandbox: Address | None = None
) -> dict[tuple[str, str], Fetched]:
    """Return what came of each address within `seconds`, in no order; the rest is `LATE`.

    `sandbox` is the sandbox that this process runs: the only place of this machine that may be asked, over http.
    """
    if not urls:
        return {}
    try:
        fetcher = _Fetcher(time.monotonic() + seconds, sandbox)
    except OSError:  # no certificates, so no https
        return dict.fromkeys(urls, Fetched(Outcome.UNREACHABLE))
    try:
        return fetcher.fetch(urls)
    finally:
        fetcher.stop()


class _Fetcher:
    def __init__(self, deadline: float, sandbox: Address | None) -> None:
        self._deadline, self._sandbox = deadline, sandbox
        self._connections = Connections()
        self._addresses: dict[tuple[str, str, int], list[str] | ImageError] = {}
        self._failures: Counter[str] = Counter()  # in a row, by host
        self._lock, self._stopped = Lock(), Event()

    def fetch(self, urls: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Fetched]:
        todo: SimpleQueue[tuple[str, str]] = SimpleQueue()
        done: SimpleQueue[tuple[tuple[str, str], Fetched | BaseException]] = SimpleQueue()

        def work() -> None:
            while not self._stopped.is_set():
                try:
                    pin = todo.get_nowait()
                except Empty:
                    return
                try:
                    done.put((pin, self._fetch_one(urls[pin])))
                except Exception as error:  # a bug: raised again where somebody sees it
                    done.put((pin, error))

        for pin in urls:
            todo.put(pin)
        for _ in range(min(THREADS, len(urls))):
            # the end of the process waits for no daemon: a resolver of names cannot be interrupted
            Thread(target=work, name=WAITING_THREAD, daemon=True).start()
        found = dict.fromkeys(urls, Fetched(Outcome.LATE))
        for _ in urls:
            try:
                pin, result = done.get(timeout=max(0.0, self._deadline - time.monotonic()))
            except Empty:
                break
            if isinstance(result, BaseException):
                raise result
            found[pin] = result
        return found

    def stop(self) -> None:
        self._stopped.set()
        self._connections.close()

    def _fetch_one(self, url: str) -> Fetched:
        try:
            body = self._follow(parse_address(url), url)
            if self._is_late():
                return Fetched(Outcome.LATE)
            return Fetched(Outcome.FETCHED, make_thumbnail(body))
        except ImageError as error:
            return Fetched(error.outcome)

    def _follow(self, address: Address, url: str) -> bytes:
        """Return the body behind an address and at most three redirects, each checked like the first."""
        for _ in range(MAX_REDIRECTS + 1):
            if self._is_late():
                raise ImageError(Outcome.LATE)
            body, location = self._get(address)
            if location is None:
                return body
            try:
                url = urljoin(url, location)
            except ValueError:
                raise ImageError(Outcome.REFUSED) from None
            address = parse_address(url)
        raise ImageError(Outcome.INVALID)

    def _get(self, address: Address) -> tuple[bytes, str | None]:
        """Return the body of a response, or where it redirects to."""
        for ip in self._ips(address)[:MAX_ADDRESSES]:
            with self._lock:
                if self._failures[address.host] >= MAX_FAILURES:
                    break
            try:
                pool = self._connections.pool(address, ip)
                response = pool.urlopen(
                    "GET",
                    address.target,
                    headers={**HEADERS, "Host": address.host_header},
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
                try:
                    result = _read(response)
                finally:
                    response.close()
            except (
                HTTPError,
                HTTPException,
                OSError,
                ValueError,
            ):  # no connection, an untrusted certificate, time, broken HTTP
                with self._lock:
                    self._failures[address.host] += 1
                continue
            with self._lock:
                self._failures[address.host] = 0
            return result
        raise ImageError(Outcome.UNREACHABLE)

    def _ips(self, address: Address) -> list[str]:
        """Return the IP addresses of a host that may be asked; each host is looked up once."""
        if is_of_sandbox(address, self._sandbox):
            return [address.host]
        place = address[:3]
        if place not in self._addresses:
            try:
                self._addresses[place] = public_addresses(address)
            except ImageError as error:
                self._addresses[place] = error
        found = self._addresses[place]
        if isinstance(found, ImageError):
            raise ImageError(found.outcome)
        return found

    def _is_late(self) -> bool:
        return self._stopped.is_set() or time.monotonic() > self._deadline


def _read(response: BaseHTTPResponse) -> tuple[bytes, str | None]:
    """Return the body of an image, or where a response redirects to.

    Raises:
        ImageError: it is neither.
    """
    if response.status in REDIRECTS and (location := response.headers.get("Location")):
        return b"", location
    if response.status >= 500 or response.status in TEMPORARY:
        raise ImageError(Outcome.UNREACHABLE)
    if response.status != 200:
        raise ImageError(Outcome.MISSING)
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type.startswith("video/"):
        raise ImageError(Outcome.VIDEO)
    if not content_type.startswith("image/") and content_type not in UNNAMED_TYPES:
        raise ImageError(Outcome.INVALID)
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > MAX_BYTES:
        raise ImageError(Outcome.TOO_LARGE)
    body = bytearray()
    for chunk in response.stream(CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BYTES:
            raise ImageError(Outcome.TOO_LARGE)
    return bytes(body), None
