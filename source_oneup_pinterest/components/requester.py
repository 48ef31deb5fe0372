"""Request the window of a slice."""

import json
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.streams.http import HttpClient
from airbyte_cdk.sources.streams.http.exceptions import BaseBackoffException
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from .circuit_breaker import Failure, Target
from .error_handler import OneUpErrorHandler
from .errors import traced
from .extractors import AccountsExtractor
from .session import OneUpSession
from .statuses import NOT_FOUND
from .sync_context import SyncContext

ACCOUNTS_URL = "https://www.oneupapp.io/api"


@dataclass
class OneUpRequester(HttpRequester):
    """Request the window of a slice, and name the account if that fails."""

    request_headers: Mapping[str, str] = field(kw_only=True)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        assert isinstance(self.error_handler, OneUpErrorHandler)
        assert self.api_budget is not None
        self._context = SyncContext.of(self.config)
        budget = self._context.shared_budget(self.api_budget)
        self._session = OneUpSession(budget, self.config["api_key"], self._context)
        self._timeout = (self.connect_timeout_in_seconds, self.read_timeout_in_seconds)
        self._http_client = HttpClient(
            name=self.name,
            logger=self.logger,
            error_handler=self.error_handler,
            backoff_strategy=self.error_handler.backoff_strategies,
            disable_retries=self.disable_retries,
            session=self._session,
            request_timeout=self._timeout,
        )

    def get_request_headers(self, **_: Any) -> Mapping[str, Any]:
        return self.request_headers

    def get_request_params(self, *, stream_slice: StreamSlice | None = None, **_: Any) -> MutableMapping[str, Any]:
        # in Python, because interpolation would turn the id "1_000" into the number 1000
        if stream_slice is None or "window" not in stream_slice.extra_fields:
            return {}
        return {
            "social_network_id": stream_slice.partition["social_network_id"],
            **stream_slice.extra_fields["window"].request_parameters(self.config),
            "timezone": self.config["timezone"],
        }

    def send_request(self, *args: Any, **kwargs: Any) -> requests.Response | None:
        stream_slice: StreamSlice | None = kwargs.get("stream_slice")
        account = stream_slice.partition.get("social_network_id") if stream_slice else None
        target, since = Target(self.get_url(), account), time.monotonic()
        breaker = self._context.circuit_breaker
        failure = breaker.failure_of(target)
        if failure is None:
            try:
                response = super().send_request(*args, **kwargs)
            except AirbyteTracedException as error:
                failure = self._failure(error, account)
                breaker.record_failure(target, failure, since)
            else:
                breaker.record_success()
                return response
        subject = (
            f"Account {json.dumps(account, ensure_ascii=False)} could not be read"
            if account is not None
            else "The accounts of this key could not be listed"
        )
        raise traced(f"{subject}: {failure.reason}", failure.failure_type)

    def _failure(self, error: AirbyteTracedException, account: str | None) -> Failure:
        reason = self._reason(error)
        if account is not None and reason.startswith(NOT_FOUND):
            reason = self._id_of_username(account) or reason
        return Failure(reason, error.failure_type or FailureType.system_error)

    def _id_of_username(self, name: str) -> str | None:
        """Return a sentence with the id if an id that was not found is the username of a listed account."""
        url = f"{self.config['accounts_url'] or ACCOUNTS_URL}/listsocialaccounts"
        request = requests.Request("GET", url, headers=self.request_headers).prepare()
        try:
            response = self._session.send(request, timeout=self._timeout)
            rows = list(AccountsExtractor(self.config).extract_records(response))
        except Exception:  # a failure here must not hide the failure that it would explain
            return None
        plain = name.lstrip("@").casefold()
        ids = [row["social_network_id"] for row in rows if str(row["username"]).lstrip("@").casefold() == plain]
        if len(ids) != 1 or ids[0] == name:
            return None
        return f"`{name}` is `{ids[0]}`: write the id, not the username, into `social_network_ids`."

    def _reason(self, error: AirbyteTracedException) -> str:
        cause = error.__context__
        if isinstance(cause, BaseBackoffException):
            # fewer than `max_retries` after ten minutes, when the CDK stops trying
            tried = self._http_client._request_attempt_count.get(cause.request, 1)  # type: ignore[arg-type]
            return f"{cause} It was tried {tried} times; try again later."
        return error.message or error.internal_message or "unknown error"
