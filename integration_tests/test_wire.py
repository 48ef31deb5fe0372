"""The API key is sent only over verified https, to no other host and no plain-text proxy, and no response keeps it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from airbyte_cdk.sources.streams.call_rate import APIBudget

from integration_tests.airbyte import read
from integration_tests.fault_injection.key_search import KEY, occurrences, spellings
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sandbox.http_server import Server
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.session import OneUpSession
from source_oneup_pinterest.components.sync_context import SyncContext
from test_support.certificates import server_context

NO_KEY = b'HTTP/1.1 401 Unauthorized\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"message":1}'


class Recorder(socketserver.ThreadingTCPServer):
    """Records the head of each request and rejects it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Recording)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Recording(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = b""
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            head += line
        self.server.heads.append(head)  # type: ignore[attr-defined]
        self.wfile.write(NO_KEY)


@contextmanager
def serve_in_thread(server: socketserver.BaseServer) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    with serve_in_thread(recorder):
        yield recorder


@pytest.fixture
def https_config(sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Yield a config for the sandbox behind https, with a self-signed certificate (`certificate.pem`)."""
    context = server_context(tmp_path, "127.0.0.1")
    server = Server(0, sandbox)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serve_in_thread(server):
        urls = dict.fromkeys(("analytics_url", "accounts_url"), f"https://127.0.0.1:{server.server_port}/api")
        yield {**sandbox.config(), **urls, "start_date": "2026-05-10"}


def test_an_untrusted_certificate_ends_the_sync_before_the_key_is_sent(
    https_config: dict[str, Any], sandbox: Sandbox, tmp_path: Path, waits: list[float]
) -> None:
    result = sync(https_config, tmp_path / "history.duckdb")

    assert (result.status, result.exit_status) == ("failed", 1)
    assert "certificate cannot be verified" in (result.error or "")
    assert "REQUESTS_CA_BUNDLE" in (result.error or "")
    assert sandbox.requests == []
    assert [wait for wait in waits if wait > 1] == []  # a retry would meet the same certificate


def test_a_certificate_from_the_environment_is_accepted_for_its_host_only(
    https_config: dict[str, Any], sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))

    assert sync(https_config, tmp_path / "history.duckdb").exit_status == 0

    sandbox.clear_requests()
    urls = {name: https_config[name].replace("127.0.0.1", "localhost") for name in ("analytics_url", "accounts_url")}
    result = sync({**https_config, **urls}, tmp_path / "history.duckdb")
    assert result.exit_status == 1
    assert "certificate cannot be verified" in (result.error or "")
    assert sandbox.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(sandbox: Sandbox, recorder: Recorder, status: int) -> None:
    elsewhere = recorder.url.replace("127.0.0.1", "localhost")
    headers = {"Location": f"{elsewhere}/api/listsocialaccounts", "Refresh": f"0; url={elsewhere}"}
    sandbox.inject(Fault("status", status=status, headers=headers))

    result = read(sandbox.config(), streams=["accounts"])

    assert recorder.heads == []
    assert len(sandbox.requests) == 1
    assert "redirects to another page" in (result.errors[0]["message"])


def test_http_uses_no_proxy_because_it_would_see_the_key(
    sandbox: Sandbox, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, recorder.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    assert read(sandbox.config(), streams=["accounts"]).exception is None
    assert recorder.heads == []


def test_https_uses_the_proxy_of_the_environment_without_exposing_the_key(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, recorder.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    result = read({"api_key": KEY}, streams=["accounts"])

    assert result.exception is not None
    assert recorder.heads
    assert {head.split(b" HTTP/")[0] for head in recorder.heads} == {b"CONNECT www.oneupapp.io:443"}
    assert [head for head in recorder.heads if occurrences(head)] == []


def test_default_logins_of_a_netrc_are_not_sent_to_oneup(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    requests.get(recorder.url, timeout=5)
    assert b"Authorization: Basic" in recorder.heads.pop()  # as other clients send it

    read({"api_key": KEY, "accounts_url": recorder.url, "analytics_url": recorder.url}, streams=["accounts"])

    assert len(recorder.heads) == 1
    assert b"Authorization" not in recorder.heads[0]


def test_a_late_response_after_a_103_does_not_serve_the_next_request(sandbox: Sandbox) -> None:
    with OneUpSession(APIBudget([]), sandbox.config()["api_key"], SyncContext()) as session:
        sandbox.inject(Fault("interim", seconds=0.3))
        first = session.get(f"{sandbox.accounts_url}/listsocialaccounts", timeout=60)
        account = sandbox.account_ids[0]
        query = {"social_network_id": account, "preset": "last_7_days"}
        second = session.get(f"{sandbox.analytics_url}/pinterest/overview", params=query, timeout=60)

    assert first.status_code == 103
    assert second.json()["data"]["metrics"]


def test_the_key_is_removed_from_urls_in_responses(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sandbox.api_key = KEY
    links = [f"https://example.com/?apiKey={spelling}&size=2" for spelling in spellings(KEY)]

    def with_links(response: dict[str, Any]) -> None:
        for number, pin in enumerate(response["data"]["posts"]):
            pin.update(media_url=links[number % len(links)], text="apiKey=another")

    sandbox.inject(Fault("edit", path="posts", times=None, edit=with_links))
    pins = read(sandbox.config(), streams=["pins"]).records["pins"]

    assert {pin["media_url"] for pin in pins} == {"https://example.com/?apiKey=****&size=2"}
    assert {pin["text"] for pin in pins} == {"apiKey=another"}
