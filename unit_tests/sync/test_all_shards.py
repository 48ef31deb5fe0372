"""The shards of a key share its budget of requests, and their results are combined, failures first."""

from typing import Any

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.all_shards import ShardRun, combined, shard_configs

KEY = {"api_key": "unit-test-key"}


def ended(number: int, exit_status: int = 0, **result: Any) -> ShardRun:
    status = {0: "done", 3: "partial"}.get(exit_status, "failed")
    counts = {"pins": {"records": 10 * number, "rows": number}}
    plain = {"status": status, "streams": counts, "skipped_accounts": [], "warnings": [], "requests": 5, "error": None}
    return ShardRun(f"{number}/4", exit_status, plain | result)


@pytest.mark.parametrize(("limit", "share"), [(None, 30), (121, 30), ("8", 2), (4, 1)])
def test_each_shard_gets_its_part_of_the_accounts_and_requests(limit: object, share: int) -> None:
    configs = shard_configs({**KEY, "timezone": "UTC", "max_requests_per_minute": limit, "shard": ""}, 4)

    assert configs == [
        {**KEY, "timezone": "UTC", "max_requests_per_minute": share, "shard": f"{number}/4"} for number in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"shard": "1/4"}, "The config has a `shard`, so it is that of one worker: remove the key for --all-shards."),
        (
            {"max_requests_per_minute": 3},
            "The config allows 3 requests a minute, fewer than 4 shards need: raise `max_requests_per_minute`, or name "
            "fewer shards with --all-shards.",
        ),
        ({"num_workers": 1}, "`num_workers` is `1`: it must be a whole number from 2 to 16, such as 4."),
    ],
)
def test_config_that_cannot_be_split_is_refused(config: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        shard_configs({**KEY, **config}, 4)

    assert (str(caught.value), caught.value.exit_status) == (sentence, 2)


@pytest.mark.parametrize(
    ("statuses", "worst", "status"),
    [
        ((0, 0), 0, "done"),
        ((0, 3), 3, "partial"),
        ((3, 1, 0), 1, "failed"),
        ((1, 2, 3), 2, "failed"),
        ((0, 130), 1, "failed"),
    ],
)
def test_exit_status_is_the_worst(statuses: tuple[int, ...], worst: int, status: str) -> None:
    result = combined([ended(number, each) for number, each in enumerate(statuses, start=1)], 1.0)

    assert (result.exit_status, result.status) == (worst, status)


def test_counts_are_summed_and_shards_that_failed_come_first() -> None:
    skipped = {"social_network_id": "pin_a", "reason": "It is gone."}
    runs = [
        ended(4, warnings=["Same.", "Fourth."]),
        ended(3, 3, skipped_accounts=[skipped], warnings=["Same."]),
        ended(2, 1, error="No network.", streams={}),
        ended(1, 1, error="No network.", streams={}, requests=None),
    ]

    result = combined(runs, 12.3456)

    assert result.streams == {"pins": {"records": 70, "rows": 7}}
    assert [run.shard for run in result.shards] == ["1/4", "2/4", "3/4", "4/4"]
    assert result.summary().splitlines() == [
        "error: shards 1/4, 2/4: No network.",
        "skipped: pin_a: It is gone.",
        "warning: Same.",
        "warning: Fourth.",
        "failed: 70 records, 7 new rows, 15 requests, 12.3 s",
        "new rows: pins 7",
        "shards: 2 of 4 done",
    ]
    assert result.summary(is_quiet=True).splitlines() == result.summary().splitlines()[:4]
    assert result.as_json()["shards"][0] == {
        "shard": "1/4",
        "status": "failed",
        "exit_status": 1,
        "error": "No network.",
    }
