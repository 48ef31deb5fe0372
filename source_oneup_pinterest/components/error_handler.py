"""Decide which responses are errors, and what to do about them."""

import re
from dataclasses import dataclass, field

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.requesters.error_handlers import DefaultErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers import BackoffStrategy
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets
from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from .limits import ResponseTooLarge
from .payload import EXPECTED_TYPES, json_type_name, value_at_path
from .statuses import status_rule
from .sync_context import SyncContext

MIN_WAIT_SECONDS = 0.1
CONFIG_WORDS = re.compile(r"\b(key|account|plan|subscription|permission|upgrade)", re.IGNORECASE)


@dataclass
class RetryAfterBackoffStrategy(BackoffStrategy):
    """Wait as long as `Retry-After` says, in seconds or as a date, but at most `max_seconds`."""

    max_seconds: float = 120.0

    def backoff_time(
        self, response_or_exception: requests.Response | requests.RequestException | None, attempt_count: int
    ) -> float | None:
        if not isinstance(response_or_exception, requests.Response):
            return None
        try:
            seconds = Retry().parse_retry_after(response_or_exception.headers.get("Retry-After", ""))
        except (InvalidHeader, TypeError, ValueError, OverflowError):
            return None
        return min(max(seconds, MIN_WAIT_SECONDS), self.max_seconds)


@dataclass
class OneUpErrorHandler(DefaultErrorHandler):
    """Decide by the status, then by the three ways in which OneUp refuses a request, then by what is missing.

    `expects`: the path of the value that the stream reads.
    """

    expects: str = field(kw_only=True)

    def interpret_response(self, response_or_exception: requests.Response | Exception | None) -> ErrorResolution:
        if not isinstance(response_or_exception, requests.Response):
            problem: ErrorResolution | None = _exception_problem(response_or_exception)
        elif response_or_exception.status_code != 200:
            problem = self._status_problem(response_or_exception)
        else:
            problem = self._body_problem(response_or_exception)
        if problem is None:
            return ErrorResolution(ResponseAction.SUCCESS, None, None)
        if problem.response_action != ResponseAction.FAIL and SyncContext.of(self.config).circuit_breaker.is_open:
            return _fail(problem.error_message or "", problem.failure_type)
        return problem

    def _status_problem(self, response: requests.Response) -> ErrorResolution:
        rule = status_rule(response.status_code, is_account_list=self.expects == "data")
        status = f"HTTP {response.status_code}{_quoted_message(response)}"
        return ErrorResolution(rule.action, rule.failure_type, rule.sentence.replace("{status}", status))

    def _body_problem(self, response: requests.Response) -> ErrorResolution | None:
        try:
            payload = response.json()
        except (ValueError, RecursionError):
            return _not_json_problem(response.content.lstrip()[:1])
        if not isinstance(payload, dict):
            return _fail(f"OneUp's response is {json_type_name(payload)}, not an object (HTTP 200).")
        refused = payload.get("success") is False or payload.get("error") is True
        if refused or ("success" not in payload and "data" not in payload and "message" in payload):
            text = _quoted_message(response)
            return _fail(
                f"OneUp refuses the request (HTTP 200{text}). Check `api_key`, the account's id, its connection in "
                "OneUp and the plan.",
                FailureType.config_error if CONFIG_WORDS.search(text) else FailureType.system_error,
            )
        value = value_at_path(payload, self.expects)
        if value is not ... and isinstance(value, EXPECTED_TYPES[self.expects]):
            return None
        found = "missing" if value is ... else json_type_name(value)
        return _fail(
            f"OneUp's response is not as documented: `{self.expects}` is {found} (HTTP 200). Nothing was stored for "
            "it. If this persists, please report it."
        )


def _exception_problem(error: Exception | None) -> ErrorResolution:
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return _retry("OneUp did not respond in time.")
    if isinstance(error, ResponseTooLarge):
        return _fail(
            "OneUp's response is far too large, so that it was not read to its end. Try again later. If this "
            "persists, please report it."
        )
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return _retry("OneUp sent a response that cannot be decompressed.")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return _fail(
            "The server's certificate cannot be verified, so the key was not sent. Check this machine's clock and the "
            "address. Behind a company proxy, set REQUESTS_CA_BUNDLE to a file with its certificates."
        )
    return _retry(f"The connection to OneUp failed ({type(error).__name__}).")


def _not_json_problem(first_byte: bytes) -> ErrorResolution:
    if first_byte == b"<":
        return _fail(
            "OneUp sent a web page instead of data (HTTP 200), as it does for a login or for maintenance. Try again "
            "later. If this persists, check `api_key` and the address."
        )
    what = "a response that is cut short or not JSON" if first_byte else "an empty response"
    return _retry(f"OneUp sent {what} (HTTP 200).")


def _fail(message: str, failure_type: FailureType | None = FailureType.system_error) -> ErrorResolution:
    return ErrorResolution(ResponseAction.FAIL, failure_type, message)


def _retry(message: str) -> ErrorResolution:
    return ErrorResolution(ResponseAction.RETRY, FailureType.transient_error, message)


def _quoted_message(response: requests.Response) -> str:
    """Return OneUp's own message, on one line, without secrets and at most 200 characters long."""
    try:
        payload = response.json()
    except (ValueError, RecursionError):
        return ""
    message = payload.get("message") if isinstance(payload, dict) else None
    if not isinstance(message, str) or not message.strip():
        return ""
    visible = "".join(character if character.isprintable() else " " for character in filter_secrets(message))
    return f': "{" ".join(visible.split())[:200]}"'
