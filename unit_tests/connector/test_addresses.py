"""Addresses that may be asked with the key: https ones, and http ones on this machine alone."""

import pytest
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest.components import _safe_url


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (None, ""),
        ("", ""),
        ("https://analyze.oneupapp.io/api", "https://analyze.oneupapp.io/api"),
        ("https://analyze.oneupapp.io/api/", "https://analyze.oneupapp.io/api"),
        ("HTTPS://Analyze.OneUpApp.io/api", "https://analyze.oneupapp.io/api"),
        (" https://analyze.oneupapp.io/api", "https://analyze.oneupapp.io/api"),
        ("http://127.0.0.1:8321/api", "http://127.0.0.1:8321/api"),
        ("http://127.0.0.2/api", "http://127.0.0.2/api"),
        ("http://[::1]:8321/api", "http://[::1]:8321/api"),
        ("http://localhost:8321/api", "http://localhost:8321/api"),
        ("HTTP://LOCALHOST/api", "http://localhost/api"),
        ("http://127.0.0.1\\@evil.example/api", "http://127.0.0.1/%5C@evil.example/api"),
        ("https://analyze.oneupapp.io/api#", "https://analyze.oneupapp.io/api"),
    ],
)
def test_an_address_is_used_as_it_was_judged(url: str | None, asked: str) -> None:
    assert _safe_url("analytics_url", url) == asked


@pytest.mark.parametrize(
    "url",
    [
        "http://analyze.oneupapp.io/api",
        "http://127.0.0.1.evil.example/api",
        "http://localhost.evil.example/api",
        "http://localhost@evil.example/api",
        "http://127.0.0.1:80@evil.example/api",
        "http://evil.example\\@127.0.0.1/api",  # two parsers find two hosts in it
        "http://１２７.0.0.1/api",
        "http://evil.example#@127.0.0.1/api",
        "http://evil.example?@127.0.0.1/api",
        "http://127.0.0.1\n.evil.example/api",
        "http://127.0.0.1 .evil.example/api",
        "http://localhost./api",
        "http://0.0.0.0/api",
        "http://10.0.0.1/api",
        "http://2130706433/api",
        "http://[::ffff:10.0.0.1]/api",
        "http://",
        "https://",
        "https:analyze.oneupapp.io",
        "//analyze.oneupapp.io/api",
        "analyze.oneupapp.io/api",
        "ftp://127.0.0.1/api",
        "file:///etc/passwd",
        "https://analyze.oneupapp.io:port/api",
        "https://*.oneupapp.io/api",
        7,
        ["https://analyze.oneupapp.io/api"],
        "https://user:password@analyze.oneupapp.io/api",
        "https://user@analyze.oneupapp.io/api",
        "http://user:password@127.0.0.1/api",
        "https://analyze.oneupapp.io/api?to=",
        "https://analyze.oneupapp.io/api#part",
    ],
)
def test_any_other_address_is_refused_in_one_sentence_that_does_not_repeat_it(url: object) -> None:
    with pytest.raises(AirbyteTracedException) as caught:
        _safe_url("analytics_url", url)

    message = caught.value.message or ""
    assert message.startswith("`analytics_url` must be an")
    assert "password@" not in message
    assert "evil" not in message
