"""Invalid faults are rejected."""

from typing import Any

import pytest

from oneup_pinterest.sandbox import Fault
from oneup_pinterest.sandbox.http_server import Response


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "explode"}, "no fault of kind"),
        ({"kind": "status", "path": "pinterest/posts"}, "no path"),
        ({"kind": "status", "seconds": 1}, "has no seconds"),
        ({"kind": "drop", "when": "after"}, "`when`"),
        ({"kind": "edit"}, "`edit`"),
        ({"kind": "gzip", "how": "nonsense"}, "`how`"),
        ({"kind": "drip", "megabytes": 1}, "has no megabytes"),
        ({"kind": "drip", "where": "nowhere"}, "`where`"),
    ],
)
def test_invalid_fault_is_rejected(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**fields)


def test_fault_without_an_implementation_is_rejected() -> None:
    fault = Fault("slow")
    fault.kind = "nonsense"

    with pytest.raises(ValueError, match="no fault of kind 'nonsense'"):
        Response.of_json({}).with_fault(fault)
