"""Serve OneUp's responses from memory, below the HTTP library, so that tests run all of the connector."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter


@contextmanager
def respond_with(body_of: Callable[[str, str], bytes]) -> Iterator[None]:
    """Respond to requests with what `body_of` returns for an endpoint and an account, status 200; skip waits."""

    def send(_: HTTPAdapter, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        account = parse_qs(parts.query, keep_blank_values=True).get("social_network_id", [""])[0]
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, str(request.url)
        response.raw = io.BytesIO(body_of(parts.path.rpartition("/")[2], account))
        return response

    with patch.object(HTTPAdapter, "send", send), patch.object(time, "sleep", lambda seconds: None):
        yield
