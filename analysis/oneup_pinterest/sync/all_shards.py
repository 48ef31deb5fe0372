"""Sync all shards of a key at once, each in a process of its own, and combine their results."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.place import place_of
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_count, strip_control_characters
from oneup_pinterest.sync.connector import Connector
from oneup_pinterest.sync.run import SyncResult
from oneup_pinterest.sync.signals import SignalGuard

WORKER = (sys.executable, "-P", "-m", "oneup_pinterest.cli", "sync", "--config", "-", "--json")
SEVERITY = (0, 3, 1, 2)  # exit statuses of `sync`, the worst last


class ShardRun(NamedTuple):
    """How the sync of one shard ended: what `sync --json` printed, or why it printed nothing."""

    shard: str
    exit_status: int
    result: Mapping[str, Any]

    @property
    def error(self) -> str | None:
        """Why the shard failed; None if it did not."""
        error = self.result.get("error")
        return str(error) if error else None

    def as_json(self) -> dict[str, Any]:
        """Return what `sync --all-shards --json` says of the shard."""
        status = self.result.get("status", "failed")
        return {"shard": self.shard, "status": status, "exit_status": self.exit_status, "error": self.error}


@dataclass
class AllShardsResult(SyncResult):
    """The sums of all shards; the exit status is the worst of theirs. `shards` begins with those that failed."""

    shards: list[ShardRun] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `sync --all-shards --json` prints."""
        return super().as_json() | {"shards": [shard.as_json() for shard in self.shards]}

    def summary(self, is_quiet: bool = False) -> str:
        """Return the result for people, failures first; if quiet, only failures and warnings."""
        by_error: dict[str, list[str]] = {}
        for run in self.shards:
            if run.error:
                by_error.setdefault(run.error, []).append(run.shard)
        lines = [
            f"error: shard{'s' if len(shards) > 1 else ''} {', '.join(shards)}: {error}"
            for error, shards in by_error.items()
        ]
        lines += self.problems()
        if not is_quiet:
            done = sum(run.exit_status in (0, 3) for run in self.shards)
            lines += [*self.facts(), f"shards: {done:,} of {len(self.shards):,} done"]
        return "\n".join(map(strip_control_characters, lines))


def sync_all_shards(
    config: Mapping[str, Any],
    database: str | os.PathLike[str],
    count: int,
    options: Sequence[str] = (),
    *,
    report: Callable[[str], None] = lambda text: None,
    shows_log: bool = False,
) -> AllShardsResult:
    """Sync `count` shards into one lake with `sync` in as many processes, which share the key's requests per minute.

    Args:
        config: The connector's config, without a shard.
        database: A lake with a catalog in PostgreSQL.
        count: How many shards.
        options: More options of each `sync`.
        report: Is told about each shard that ends.
        shows_log: Whether the processes write to this one's stderr.

    Raises:
        UserError: The config is not valid, has a shard, or allows fewer requests than there are shards; or the database
            has one writer at a time (exit status 2).
    """
    started, place = time.monotonic(), place_of(database)
    if not isinstance(place, Lake) or place.dsn is None:
        raise UserError(
            f"{place} has one writer at a time, and --all-shards needs several: name a lake with --database "
            "ducklake:postgres:DSN, or leave out --all-shards.",
            2,
        )
    options = [*options, "--database", str(place), *(["--data-path", place.data_path] if place.data_path else [])]
    guard = SignalGuard()
    runs: list[ShardRun] = []
    workers: list[tuple[str, subprocess.Popen[str]]] = []
    with guard.listening(), ThreadPoolExecutor(count) as waiting:
        try:
            configs = shard_configs(config, count)
            with guard.deferred():  # so that every process that was started is known
                workers += [(str(each["shard"]), _start(options, shows_log)) for each in configs]
            ends = [
                waiting.submit(_wait, shard, worker, each)
                for (shard, worker), each in zip(workers, configs, strict=True)
            ]
            for end in as_completed(ends):
                runs.append(end.result())
                report(_ended(runs[-1], len(runs), count))
        except BaseException:
            for _, worker in workers:
                worker.terminate()  # it commits what it has
            raise
    result = combined(runs, time.monotonic() - started)
    result.database = str(place)
    return result


def shard_configs(config: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the config of each shard: its part of the accounts, and of the requests per minute.

    Raises:
        UserError: as `sync_all_shards`.
    """
    if config.get("shard") not in (None, ""):
        raise UserError("The config has a `shard`, so it is that of one worker: remove the key for --all-shards.", 2)
    limit = Connector(config, {}).progress().max_requests_per_minute
    if limit < count:
        raise UserError(
            f"The config allows {format_count(limit, 'request')} a minute, fewer than {count:,} shards need: raise "
            "`max_requests_per_minute`, or name fewer shards with --all-shards.",
            2,
        )
    return [
        {**config, "shard": f"{number}/{count}", "max_requests_per_minute": limit // count}
        for number in range(1, count + 1)
    ]


def _start(options: Sequence[str], shows_log: bool) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 # our own interpreter
        [*WORKER, *options],
        stdin=subprocess.PIPE,  # the config has the key, which belongs on no command line
        stdout=subprocess.PIPE,
        stderr=None if shows_log else subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )


def _wait(shard: str, worker: "subprocess.Popen[str]", config: Mapping[str, Any]) -> ShardRun:
    out, err = worker.communicate(json.dumps(config))
    if worker.returncode < 0:
        error = f"its process was ended by signal {-worker.returncode}; what it had committed is kept."
        return ShardRun(shard, 1, {"error": error})
    try:
        return ShardRun(shard, worker.returncode, json.loads(out))
    except ValueError:  # it stopped before it had a result
        *_, last = (err or "").strip().splitlines() or ["its process ended without a result."]
        return ShardRun(shard, worker.returncode or 1, {"error": last.removeprefix("oneup-pinterest: ")})


def _ended(run: ShardRun, done: int, count: int) -> str:
    status = run.as_json()["status"]
    new_rows = sum(counts["rows"] for counts in run.result.get("streams", {}).values())
    return f"shard {run.shard}: {status}, {format_count(new_rows, 'new row')} ({done:,} of {count:,})"


def combined(runs: Iterable[ShardRun], seconds: float) -> AllShardsResult:
    """Return the sums of the shards, the worst exit status, and the shards with the worst first."""
    ordered = sorted(runs, key=lambda run: (-_severity(run), int(run.shard.partition("/")[0])))
    streams: dict[str, dict[str, int]] = {}
    for run in ordered:
        for name, counts in run.result.get("streams", {}).items():
            total = streams.setdefault(name, {"records": 0, "rows": 0})
            total["records"] += counts["records"]
            total["rows"] += counts["rows"]
    exit_status = SEVERITY[max(map(_severity, ordered))]
    return AllShardsResult(
        streams,
        status={0: "done", 3: "partial"}.get(exit_status, "failed"),
        skipped_accounts=[entry for run in ordered for entry in run.result.get("skipped_accounts", ())],
        warnings=list(dict.fromkeys(text for run in ordered for text in run.result.get("warnings", ()))),
        duration_seconds=round(seconds, 3),
        requests=sum(run.result.get("requests") or 0 for run in ordered),
        exit_status=exit_status,
        shards=ordered,
    )


def _severity(run: ShardRun) -> int:
    return SEVERITY.index(run.exit_status) if run.exit_status in SEVERITY else SEVERITY.index(1)
