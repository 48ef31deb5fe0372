"""Send requests with the key added on the wire only."""

import html
import json
import re
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import requests
from airbyte_cdk.sources.streams.call_rate import AbstractAPIBudget
from airbyte_cdk.utils.airbyte_secrets_utils import add_to_secrets, update_secrets

from .limits import DeadlineHTTPResponse, with_deadline
from .log import LOGGER
from .response_cache import BufferedResponse, ResponseCache
from .sync_context import SyncContext

MIN_KEY_LENGTH = 8  # a shorter one is not a real key, and masking it would blank letters of OneUp's messages


def encodings_of_key(key: str) -> list[str]:
    """Return a key as it is, and as URLs, web pages and JSON (PHP's too) write it, the longest first.

    A message that quotes JSON is escaped again in a JSON response, and once more in a log line.
    """
    encoded = {quote(key), quote(key, safe=""), quote_plus(key)}
    forms = {key, html.escape(key), *encoded, *(re.sub("%..", lambda code: code[0].lower(), form) for form in encoded)}
    forms |= {json.dumps(form)[1:-1] for form in forms}
    forms |= {form.replace("/", "\\/") for form in forms}
    for _ in range(2):
        forms |= {json.dumps(form)[1:-1] for form in forms}
    return sorted(forms, key=len, reverse=True)  # one form may be part of another


class ApiKeyAdapter(requests.adapters.HTTPAdapter):
    """Add the API key as a request leaves, and return responses and errors without it.

    OneUp wants the key in the URL, and the CDK puts URLs into logs, errors and traces; so the CDK never sees it.
    If OneUp repeats the key in a message, it is masked like any other secret. In a URL (a link to a next page, a
    picture) it is masked as the value of `apiKey`. Other data is left as it is, because a key may be a common word.
    """

    def __init__(self, api_key: str, responses: ResponseCache):
        super().__init__(pool_maxsize=16)
        self._api_key = api_key
        self._responses = responses
        forms = encodings_of_key(api_key)
        if len(api_key) >= MIN_KEY_LENGTH:
            for form in forms:
                add_to_secrets(form)
        else:  # the CDK already masks it, in every word of every message
            update_secrets([])
        any_form = b"|".join(re.escape(form.encode()) for form in forms)
        self._key_in_url = re.compile(rb"apiKey=(?:%b)(?![\w%%+-])" % any_form)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls.response_class, DeadlineHTTPResponse):  # the pool is the same each time
            pool.ConnectionCls = with_deadline(pool.ConnectionCls)
        return pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        wire = request.copy()
        separator = "&" if "?" in str(request.url) else "?"
        wire.url = f"{request.url}{separator}{urlencode({'apiKey': self._api_key})}"
        try:
            return self._responses.buffer(request, super().send(wire, *args, **kwargs), self._mask)
        except requests.RequestException as error:
            text = re.sub(r"apiKey=[^&\s'\")>]*", "apiKey=****", str(error))
            raise type(error)(text, request=request) from None

    def _mask(self, body: bytes) -> bytes:
        return self._key_in_url.sub(b"apiKey=****", body)


class OneUpSession(requests.Session):
    """Send within the request budget, follow no redirect (it would carry the key along), and share responses.

    Proxies and certificates come from the environment. But http, which is for this machine only, uses no proxy,
    because that would carry the key along in clear text. Nor does OneUp get a default login from ~/.netrc.
    """

    def __init__(self, api_budget: AbstractAPIBudget, api_key: str, context: SyncContext):
        super().__init__()
        self._api_budget = api_budget
        self._context = context
        self.auth = _no_login
        adapter = ApiKeyAdapter(api_key, context.responses)
        for scheme in ("https://", "http://"):  # ignore-https-check (http is accepted for this machine only)
            self.mount(scheme, adapter)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        def send() -> BufferedResponse:
            with self._context.progress.waiting():
                self._api_budget.acquire_call(request)
            options: dict[str, Any] = {"allow_redirects": False}
            if str(request.url).startswith("http:"):
                options["proxies"] = {}
            response = super(OneUpSession, self).send(request, **kwargs | options)
            assert isinstance(response, BufferedResponse)
            seconds, path = response.elapsed.total_seconds(), str(request.url).partition("//")[2].partition("/")[2]
            LOGGER.debug("GET /%s: %s in %.2f s, %s bytes", path, response.status_code, seconds, len(response.content))
            return response

        return self._context.responses.get(request, send)


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return the request as it is; with an `auth` of its own `requests` does not look into ~/.netrc."""
    return request
