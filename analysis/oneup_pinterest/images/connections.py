"""Connect to an IP address that was checked, under the name of its host, and read for a limited time."""

import http.client
import io
import os
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import urllib3
from urllib3.util import create_urllib3_context, make_headers, parse_url

from oneup_pinterest.images.addresses import Address

CONNECT_SECONDS = 2.0
READ_SECONDS = 3.0  # between two bytes
IMAGE_SECONDS = 4.0  # for one response, headers and body
CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # as in `requests`, which the sync uses


class _TimedReader(io.RawIOBase):
    """Read from a socket for a limited time; the socket's own time-out starts again with every byte."""

    def __init__(self, incoming: io.RawIOBase) -> None:
        self._incoming, self._deadline = incoming, time.monotonic() + IMAGE_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise TimeoutError("the image did not come in time")
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """The head and the body of a response, read through a `_TimedReader`."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedReader(sock.makefile("rb", buffering=0)))


class _Timed:
    """Mixed into a connection of urllib3, so that its responses end in time or fail."""

    response_class = _TimedResponse


class Connections:
    """The connections to the hosts of images.

    A connection goes to an IP address that the caller has checked, so the name is not resolved a second time: another
    answer then (DNS rebinding) changes nothing. The certificate must be valid for the host's name. urllib3 is used
    without `requests`, which would add cookies, logins of ~/.netrc and redirects.

    HTTPS_PROXY and NO_PROXY count as in a sync; the proxy is asked for the checked IP address, so it resolves no name
    either. Its login goes to the proxy alone.

    Raises:
        OSError: the file of certificates that the environment names cannot be read.
    """

    def __init__(self) -> None:
        from requests.utils import DEFAULT_CA_BUNDLE_PATH  # slow to import; a report that has its pictures needs it not

        context = create_urllib3_context()
        chosen = next(filter(None, map(os.environ.get, CERTIFICATE_VARIABLES)), DEFAULT_CA_BUNDLE_PATH)
        is_folder = Path(chosen).is_dir()
        context.load_verify_locations(capath=chosen if is_folder else None, cafile=None if is_folder else chosen)
        self._options: dict[str, Any] = {
            "ssl_context": context,
            "cert_reqs": "CERT_REQUIRED",
            "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            "retries": False,
            "maxsize": 8,
        }
        self._direct = urllib3.PoolManager(**self._options)
        self._proxied: dict[str, urllib3.PoolManager] = {}

    def pool(self, address: Address, ip: str) -> urllib3.HTTPConnectionPool:
        """Return the connections to an IP address under the name of its host."""
        if address.scheme == "https":
            names = {"server_hostname": address.host}
            pool = self._manager(address.host).connection_from_host(ip, address.port, "https", pool_kwargs=names)
        else:
            pool = self._direct.connection_from_host(ip, address.port, "http")
        connection = pool.ConnectionCls  # read once: other threads may use the same pool
        if not issubclass(connection, _Timed):
            pool.ConnectionCls = type(connection.__name__, (_Timed, connection), {})
        return pool

    def close(self) -> None:
        """Close the connections that are not in use."""
        for manager in (self._direct, *self._proxied.values()):
            manager.clear()

    def _manager(self, host: str) -> urllib3.PoolManager:
        from requests.utils import get_environ_proxies, select_proxy

        url = f"https://{host}"
        proxy = select_proxy(url, get_environ_proxies(url))
        if not proxy:
            return self._direct
        if proxy not in self._proxied:
            parts = parse_url(proxy if "://" in proxy else f"http://{proxy}")
            login = make_headers(proxy_basic_auth=unquote(parts.auth)) if parts.auth else None
            self._proxied[proxy] = urllib3.ProxyManager(
                parts._replace(auth=None).url, proxy_headers=login, **self._options
            )
        return self._proxied[proxy]
