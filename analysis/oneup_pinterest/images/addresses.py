"""Decide which addresses may be asked for an image: https, port 443, and a host whose every address is public.

The addresses come from OneUp, that is, from whoever made a pin. Without these rules a pin could make this machine send
requests into its own network (server-side request forgery).
"""

import ipaddress
import re
import socket
from typing import NamedTuple

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from oneup_pinterest.images.outcomes import ImageError, Outcome

MAX_LENGTH = 4096  # characters of an address
SANDBOX_PATH = re.compile(r"/pictures/[a-z]+/[0-9a-z]+\.png")
# RFC 2606 and 6761: names that documentation and made-up data use; nobody serves a picture there
RESERVED_NAMES = ("example.com", "example.net", "example.org")
RESERVED_DOMAINS = ("example", "invalid", "localhost", "local", "internal", "test", "onion", "arpa")
PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")  # all that IANA has assigned to hosts
NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # Azure's own services, on every machine there
            "192.0.0.0/24",  # of protocols; clouds have services there
            "192.88.99.0/24",  # relays of 6to4
            "2001::/23",  # Teredo, which holds an IPv4 address, and other protocols
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which holds an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)


class Address(NamedTuple):
    """A parsed address; `target` is its path and query, as a request sends them."""

    scheme: str
    host: str
    port: int
    path: str
    target: str

    @property
    def host_header(self) -> str:
        """The host as the header `Host` names it."""
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_address(url: str) -> Address:
    """Return a parsed http(s) address. The same parts are checked and connected to, so no second parser can disagree.

    Raises:
        ImageError: it is none, is too long, or has a login in it.

    >>> parse_address("https://I.pinimg.com/736x/a.jpg?size=2#top")
    Address(scheme='https', host='i.pinimg.com', port=443, path='/736x/a.jpg', target='/736x/a.jpg?size=2')
    """
    if len(url) > MAX_LENGTH:
        raise ImageError(Outcome.REFUSED)
    try:
        parts = parse_url(url.strip())
    except LocationParseError:
        raise ImageError(Outcome.REFUSED) from None
    if parts.scheme not in ("https", "http") or not parts.host or parts.auth is not None:
        raise ImageError(Outcome.REFUSED)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Address(parts.scheme, parts.host.strip("[]"), port, parts.path or "/", parts.request_uri)


def sandbox_address(url: str) -> Address:
    """Return the address of a sandbox, which is on this machine.

    Raises:
        ValueError: it is another machine.
    """
    address = parse_address(url)
    if not ipaddress.ip_address(address.host).is_loopback:
        raise ValueError(f"{url} is not a sandbox on this machine")
    return address


def is_of_sandbox(address: Address, sandbox: Address | None) -> bool:
    """Return whether an address is a picture of the sandbox that this process runs."""
    return (
        sandbox is not None
        and address[:3] == sandbox[:3]
        and address.target == address.path
        and SANDBOX_PATH.fullmatch(address.path) is not None
    )


def may_be_public(address: Address) -> bool:
    """Return whether an address is https on port 443 of a host that may exist, as far as can be told without a network.

    >>> may_be_public(parse_address("https://i.pinimg.com/a.jpg")), may_be_public(parse_address("http://i.pinimg.com/"))
    (True, False)
    """
    return address.scheme == "https" and address.port == 443 and not _is_reserved(address.host)


def public_addresses(address: Address) -> list[str]:
    """Return the IP addresses of a host, IPv4 first. A connection must go to one of these, not to the name.

    Raises:
        ImageError: it is not https on port 443, one of its IP addresses is not public, or its name is unknown.
    """
    if not may_be_public(address):
        raise ImageError(Outcome.REFUSED)
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # the latter for names that cannot be encoded
        raise ImageError(Outcome.UNREACHABLE) from None
    addresses = list(dict.fromkeys(str(place[0]) for _, _, _, _, place in found))
    if not addresses or not all(map(is_public, addresses)):
        raise ImageError(Outcome.REFUSED)
    return sorted(addresses, key=lambda text: ":" in text)  # IPv6 is often announced, but not connected


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to a host on the public internet.

    >>> is_public("151.101.0.84"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in PUBLIC_IPV6 or ip.scope_id):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in net for net in NOT_PUBLIC)


def _is_reserved(host: str) -> bool:
    name = host.rstrip(".")
    of_example = any(name == reserved or name.endswith(f".{reserved}") for reserved in RESERVED_NAMES)
    return of_example or name.rpartition(".")[2] in RESERVED_DOMAINS
