"""Only https addresses of public hosts are asked for an image."""

import socket
from typing import Any

import pytest

from oneup_pinterest.images.addresses import (
    Address,
    is_of_sandbox,
    is_public,
    parse_address,
    public_addresses,
    sandbox_address,
)
from oneup_pinterest.images.outcomes import ImageError, Outcome

PUBLIC = "151.101.0.84"


def answer_with(monkeypatch: pytest.MonkeyPatch, *ips: str) -> list[str]:
    """Let every name have these IP addresses; return the names that are asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in ip], socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def outcome_of(url: str) -> Outcome | None:
    try:
        public_addresses(parse_address(url))
    except ImageError as error:
        return error.outcome
    return None


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        f"::{PUBLIC}",
        "::ffff:127.0.0.1",
        f"::ffff:{PUBLIC}",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        f"64:ff9b::{PUBLIC}",
        "64:ff9b:1::1",
        "100::1",
        "2001::7f00:1",
        "2001:db8::1",
        "2002:7f00:1::1",
        f"2002:{0x97650054 >> 16:x}:{0x97650054 & 0xFFFF:x}::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2606:4700::1%eth0",
        "not an address",
        "",
    ],
)
def test_ip_addresses_that_are_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", [PUBLIC, "1.1.1.1", "2606:4700::1111", "2a04:4e42::84", "172.32.0.1"])
def test_public_ip_addresses(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    "url",
    [
        "http://i.pinimg.com/a.jpg",
        "https://i.pinimg.com:8443/a.jpg",
        "https://user:word@i.pinimg.com/a.jpg",
        "https://user@i.pinimg.com/a.jpg",
        "ftp://i.pinimg.com/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "//i.pinimg.com/a.jpg",
        "i.pinimg.com/a.jpg",
        "https://",
        "https:///a.jpg",
        "https://[::1/a.jpg",
        "https://i.pinimg.com:port/a.jpg",
        "https://example.com/made-up/1.jpg",
        "https://www.example.org./1.jpg",
        "https://pictures.invalid/1.jpg",
        "https://localhost/1.jpg",
        "https://metadata.google.internal/computeMetadata/v1/",
        f"https://i.pinimg.com/{'a' * 5000}",
        "a.jpg",
        "u",
    ],
)
def test_an_address_is_refused_before_its_name_is_looked_up(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    asked = answer_with(monkeypatch, PUBLIC)
    assert outcome_of(url) == Outcome.REFUSED
    assert asked == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"],
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    assert outcome_of(f"https://{host}/a.jpg") == Outcome.REFUSED  # the system's own parser of numbers, no network


@pytest.mark.parametrize("ips", [("10.0.0.1",), (PUBLIC, "127.0.0.1"), ("2606:4700::1111", "::1"), ()])
def test_a_name_with_any_address_that_is_not_public_is_refused(
    monkeypatch: pytest.MonkeyPatch, ips: tuple[str, ...]
) -> None:
    answer_with(monkeypatch, *ips)
    assert outcome_of("https://i.pinimg.com/a.jpg") == Outcome.REFUSED


def test_public_addresses_come_with_ipv4_first(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, "2606:4700::1111", PUBLIC, PUBLIC)
    assert public_addresses(parse_address("https://i.pinimg.com/a.jpg")) == [PUBLIC, "2606:4700::1111"]


def test_an_unknown_name_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "no network")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert outcome_of("https://i.pinimg.com/a.jpg") == Outcome.UNREACHABLE


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://127.0.0.1:8321/pictures/home/1.png", True),
        ("http://127.0.0.1:8322/pictures/home/1.png", False),
        ("http://127.0.0.1:8321/pictures/home/1.png?x=1", False),
        ("http://127.0.0.1:8321/admin", False),
        ("http://127.0.0.1:8321/pictures/../admin", False),
        ("http://127.0.0.1:8321/pictures/%2e%2e/admin", False),
        ("https://127.0.0.1:8321/pictures/home/1.png", False),
        ("http://127.0.0.2:8321/pictures/home/1.png", False),
    ],
)
def test_only_pictures_of_the_own_sandbox_may_come_from_this_machine(url: str, is_allowed: bool) -> None:
    address = parse_address(url)
    assert is_of_sandbox(address, sandbox_address("http://127.0.0.1:8321")) is is_allowed
    assert not is_of_sandbox(address, None)


def test_a_sandbox_is_on_this_machine() -> None:
    with pytest.raises(ValueError, match="not a sandbox on this machine"):
        sandbox_address("http://10.0.0.1:8321")


def test_an_address_is_parsed_into_what_a_request_sends() -> None:
    expected = Address("https", "xn--bcher-kva.de", 443, "/a%20b.jpg", "/a%20b.jpg?x=1")
    assert parse_address(" https://Bücher.de/a b.jpg?x=1#part ") == expected
