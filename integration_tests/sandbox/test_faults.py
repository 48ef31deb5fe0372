"""Every fault acts over HTTP as described, for the described number of requests."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from integration_tests.sandbox.conftest import SendRequest
from oneup_pinterest.sandbox import Fault, Sandbox


def test_status_fault_sends_its_body_and_headers(sandbox: Sandbox, send_request: SendRequest) -> None:
    sandbox.inject(Fault("status", status=429, body={"message": "x"}, headers={"Retry-After": 2}))
    response = send_request()
    assert (response.status_code, response.json()) == (429, {"message": "x"})
    assert response.headers["Retry-After"] == "2"
    assert send_request().status_code == 200


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"success": True, "data": None}, b'{"success": true, "data": null}', "application/json"),
        ([], b"[]", "application/json"),
        ("", b"", "application/json"),
        ("<html>x</html>", b"<html>x</html>", "text/html; charset=utf-8"),
    ],
)
def test_body_fault_replaces_the_response(
    sandbox: Sandbox, send_request: SendRequest, body: object, sent: bytes, content_type: str
) -> None:
    sandbox.inject(Fault("body", body=body))
    response = send_request()
    assert (response.status_code, response.content) == (200, sent)
    assert response.headers["Content-Type"] == content_type


@pytest.mark.parametrize("when", ["before", "headers", "body"])
def test_drop_fault_breaks_the_connection(sandbox: Sandbox, send_request: SendRequest, when: str) -> None:
    sandbox.inject(Fault("drop", when=when))
    with pytest.raises(requests.RequestException):
        send_request()
    assert sandbox.requests[-1].status == (0 if when == "before" else 200)
    assert send_request().status_code == 200


def test_truncated_json_has_a_correct_content_length(sandbox: Sandbox, send_request: SendRequest) -> None:
    whole = send_request().content
    sandbox.inject(Fault("truncate"))
    response = send_request()
    assert whole.startswith(response.content)
    assert int(response.headers["Content-Length"]) == len(response.content) < len(whole)
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_wrong_length_breaks_the_response(sandbox: Sandbox, send_request: SendRequest) -> None:
    sandbox.inject(Fault("wrong_length"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        send_request()


def test_slow_response_is_correct(sandbox: Sandbox, send_request: SendRequest) -> None:
    expected = send_request().json()
    sandbox.inject(Fault("slow", seconds=0.2))
    started = time.monotonic()
    assert send_request().json() == expected
    assert time.monotonic() - started >= 0.2


def test_redirect_leads_to_a_login_page(sandbox: Sandbox, send_request: SendRequest) -> None:
    sandbox.inject(Fault("redirect"))
    response = send_request()
    assert (response.status_code, response.headers["Location"]) == (302, "/login")
    page = requests.get(sandbox.url + "/login", timeout=60)
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("kind", "how", "problem"),
    [
        ("gzip", "whole", None),
        ("gzip", "cut", requests.JSONDecodeError),  # urllib3 accepts truncated gzip
        ("gzip", "corrupt", requests.exceptions.ContentDecodingError),
        ("gzip", "wrong_length", requests.exceptions.ContentDecodingError),
        ("chunked", "whole", None),
        ("chunked", "cut", requests.exceptions.ChunkedEncodingError),
        ("chunked", "nonsense", requests.exceptions.ChunkedEncodingError),
    ],
)
def test_compressed_and_chunked_responses_are_correct_or_broken(
    sandbox: Sandbox, send_request: SendRequest, kind: str, how: str, problem: type[Exception] | None
) -> None:
    expected = send_request().json()
    sandbox.inject(Fault(kind, how=how))
    if problem is None:
        assert send_request().json() == expected
    else:
        with pytest.raises(problem):
            send_request().json()
    assert send_request().json() == expected


def test_gzip_bomb_is_small_compressed_and_large_decompressed(sandbox: Sandbox, send_request: SendRequest) -> None:
    sandbox.inject(Fault("gzip", how="bomb", megabytes=3))
    response = send_request()
    assert len(response.content) == 3 << 20
    assert int(response.headers["Content-Length"]) < 30_000


def test_brotli_is_announced_but_invalid(sandbox: Sandbox) -> None:
    sandbox.inject(Fault("brotli"))
    with requests.get(f"{sandbox.accounts_url}/listsocialaccounts", timeout=60, stream=True) as response:
        assert response.headers["Content-Encoding"] == "br"
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(response.raw.read(decode_content=False).decode("latin-1"))


def test_interim_status_comes_before_the_correct_response(sandbox: Sandbox) -> None:
    sandbox.inject(Fault("interim", seconds=0.05))
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1])), timeout=60) as connection:
        path = f"/api/listsocialaccounts?apiKey={sandbox.api_key}"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        with connection.makefile("rb") as stream:
            received = stream.read()
    assert received.startswith(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b'"message": "OK"' in received


def test_invalid_status_line_is_a_connection_error(sandbox: Sandbox, send_request: SendRequest) -> None:
    sandbox.inject(Fault("status_line"))
    with pytest.raises(requests.ConnectionError):
        send_request()


@pytest.mark.parametrize(("charset", "mark"), [("utf-8-sig", b"\xef\xbb\xbf{"), ("utf-16", b"\xff\xfe{\x00")])
def test_charset_fault_sends_the_correct_response_in_another_charset(
    sandbox: Sandbox, send_request: SendRequest, charset: str, mark: bytes
) -> None:
    expected = send_request().json()
    sandbox.inject(Fault("charset", charset=charset))
    content = send_request().content
    assert content.startswith(mark)
    assert json.loads(content.decode(charset)) == expected


def test_drip_is_endless_and_flood_has_the_given_size(sandbox: Sandbox) -> None:
    sandbox.inject(Fault("drip", seconds=0.01, start='{"data": '))
    sandbox.inject(Fault("flood", megabytes=2, start="{"))
    url = f"{sandbox.accounts_url}/listsocialaccounts"
    with requests.get(url, timeout=60, stream=True) as dripping:
        assert dripping.raw.read(30) == b'{"data": ' + b" " * 21
    assert len(requests.get(url, timeout=60).content) == 1 + (2 << 20)


def test_edit_fault_takes_a_function_or_values_to_merge(sandbox: Sandbox, send_request: SendRequest) -> None:
    def without_posts(response: dict[str, Any]) -> None:
        del response["data"]["posts"]

    sandbox.inject(Fault("edit", edit=without_posts))
    sandbox.inject(Fault("edit", edit=lambda response: [response]))
    sandbox.inject(Fault("edit", edit={"data": {"posts": None}, "more": {"a": 1}}))
    assert send_request().json()["data"].keys() == {"stats"}
    assert len(send_request().json()) == 1
    merged = send_request().json()
    assert merged["data"]["posts"] is None
    assert len(merged["data"]["stats"]) == 6
    assert merged["more"] == {"a": 1}


def test_fault_applies_to_its_path_account_and_number_of_requests(sandbox: Sandbox, send_request: SendRequest) -> None:
    account = sandbox.account_ids[0]
    sandbox.inject(Fault("status", path="posts", social_network_id=account, after=1, times=2, status=503))
    assert send_request().status_code == 200
    assert send_request("pinterest/overview", social_network_id=account).status_code == 200
    statuses = [send_request(social_network_id=account).status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]


def test_faults_apply_in_the_order_of_their_injection(sandbox: Sandbox, send_request: SendRequest) -> None:
    sandbox.inject(Fault("status", status=500))
    sandbox.inject(Fault("status", status=502, times=None))
    assert [send_request().status_code for _ in range(3)] == [500, 502, 502]
    sandbox.reset_faults()
    assert send_request().status_code == 200


def test_a_fault_applies_to_exactly_its_number_of_parallel_requests(sandbox: Sandbox) -> None:
    sandbox.inject(Fault("status", times=10))
    params = {"apiKey": sandbox.api_key}

    def status(_: int) -> int:
        url = f"{sandbox.accounts_url}/listsocialaccounts"
        return requests.get(url, params, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(status, range(40)))
    assert (statuses.count(500), statuses.count(200)) == (10, 30)
    assert len(sandbox.requests) == 40


def test_invalid_fault_over_http_is_rejected(sandbox: Sandbox) -> None:
    response = requests.post(f"{sandbox.url}/_sandbox/faults", json={"kind": "explode"}, timeout=60)
    assert response.status_code == 400
