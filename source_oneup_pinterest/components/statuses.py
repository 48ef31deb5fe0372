"""What each HTTP status of OneUp means."""

from typing import NamedTuple

from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ResponseAction

CONFIG, SYSTEM, TRANSIENT = FailureType.config_error, FailureType.system_error, FailureType.transient_error
FAIL, RETRY, RATE_LIMITED = ResponseAction.FAIL, ResponseAction.RETRY, ResponseAction.RATE_LIMITED

NOT_FOUND = "OneUp cannot find this account"
NO_ACCESS = (
    "OneUp refuses access ({status}). The plan may not include analytics (the lowest one does not), or `api_key` "
    "belongs to somebody without access to this account."
)


class StatusRule(NamedTuple):
    """What the CDK does about a status, how Airbyte classifies it, and the sentence for people."""

    action: ResponseAction
    failure_type: FailureType
    sentence: str  # `{status}` stands for the status with OneUp's message


STATUS_RULES = {
    401: StatusRule(
        FAIL,
        CONFIG,
        "OneUp does not accept the key ({status}). Copy `api_key` again from OneUp's API settings; if it is right, "
        "the plan may not include the API.",
    ),
    402: StatusRule(FAIL, CONFIG, NO_ACCESS),
    403: StatusRule(FAIL, CONFIG, NO_ACCESS),
    404: StatusRule(
        FAIL,
        CONFIG,
        NOT_FOUND + " ({status}). The id may be wrong or belong to another key, the account may not be connected in "
        "OneUp, or OneUp's support may not have enabled analytics for it.",
    ),
    408: StatusRule(RETRY, TRANSIENT, "OneUp's server failed ({status})."),
    429: StatusRule(
        RATE_LIMITED,
        TRANSIENT,
        "OneUp's rate limit was reached ({status}); a lower `max_requests_per_minute` avoids that.",
    ),
}
ACCOUNT_LIST_RULES = {
    404: StatusRule(
        FAIL, CONFIG, "This address does not exist at OneUp ({status}). Check `accounts_url`, or leave it out."
    ),
}
CLASS_RULES = {  # by the first digit, for the statuses that are not listed above
    1: StatusRule(RETRY, TRANSIENT, "OneUp sent a response without data ({status})."),
    2: StatusRule(RETRY, TRANSIENT, "OneUp sent a response without data ({status})."),
    3: StatusRule(
        FAIL,
        CONFIG,
        "OneUp redirects to another page, as it does for a login ({status}). Check `api_key` and, if they are set, "
        "`analytics_url` and `accounts_url`.",
    ),
    4: StatusRule(FAIL, SYSTEM, "OneUp refuses the request ({status})."),
    5: StatusRule(RETRY, TRANSIENT, "OneUp's server failed ({status})."),
}


def status_rule(status: int, is_account_list: bool = False) -> StatusRule:
    """Return the rule for a status other than 200."""
    if is_account_list and status in ACCOUNT_LIST_RULES:
        return ACCOUNT_LIST_RULES[status]
    return STATUS_RULES.get(status) or CLASS_RULES[min(max(status // 100, 1), 5)]
