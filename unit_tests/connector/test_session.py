"""The key is masked in URLs, and the connection class that adds deadlines is wrapped only once."""

import pytest
from urllib3 import HTTPConnectionPool

from source_oneup_pinterest.components.response_cache import ResponseCache
from source_oneup_pinterest.components.session import ApiKeyAdapter, encodings_of_key


def test_connection_class_is_wrapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = HTTPConnectionPool("127.0.0.1")
    monkeypatch.setattr("requests.adapters.HTTPAdapter.get_connection_with_tls_context", lambda *_: pool)
    adapter = ApiKeyAdapter("a key", ResponseCache())
    depths = {len(adapter.get_connection_with_tls_context().ConnectionCls.__mro__) for _ in range(50)}
    assert len(depths) == 1


def test_encodings_of_a_key_include_urls_html_and_json() -> None:
    encodings = encodings_of_key("a/b+c=ü&d")

    assert {"a/b%2Bc%3D%C3%BC%26d", "a%2fb%2bc%3d%c3%bc%26d", "a/b+c=ü&amp;d", "a\\/b+c=\\u00fc&d"} <= set(encodings)
    assert encodings == sorted(encodings, key=len, reverse=True)


def test_key_is_masked_in_urls_and_left_in_other_data() -> None:
    adapter = ApiKeyAdapter("long/key+1", ResponseCache())

    for encoding in encodings_of_key("long/key+1"):
        body = f"https://example.com/?apiKey={encoding}&size=2 {encoding}".encode()
        assert adapter._mask(body) == f"https://example.com/?apiKey=****&size=2 {encoding}".encode()
