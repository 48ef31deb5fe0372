"""The commands that write the database or copy it; each imports only what it needs."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oneup_pinterest.cli.options import config_option, database_option, json_option, writable_database_option
from oneup_pinterest.cli.places import default_config, is_default
from oneup_pinterest.console import print_message
from oneup_pinterest.errors import UserError
from source_oneup_pinterest.start import start_quickly

MAX_SHARDS = 64  # processes on one machine

if TYPE_CHECKING:
    from oneup_pinterest.database.place import Place
    from oneup_pinterest.sync import SyncResult


@click.command
@config_option
@writable_database_option
@click.option("--streams", metavar="A,B", help="Sync only these streams (default: all).")
@click.option("--full-refresh", is_flag=True, help="Read all history and every stored period again.")
@click.option(
    "--all-shards",
    type=click.IntRange(1, MAX_SHARDS),
    metavar="N",
    help="Sync into a lake with N processes, each with a shard of the accounts and of the requests per minute.",
)
@json_option
@click.option("--quiet", is_flag=True, help="Print only warnings and errors.")
@click.option("--verbose", is_flag=True, help="Print also what the connector logs: each request and each retry.")
@click.option(
    "--log-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append everything that --verbose prints to this file, with times.",
)
def sync(
    config: Path | None,
    database: "Place",
    streams: str | None,
    full_refresh: bool,
    all_shards: int | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    log_file: Path | None,
) -> int:
    """Sync new data from OneUp into the database."""
    start_quickly()
    from oneup_pinterest.sync import sync as sync_database
    from oneup_pinterest.sync.config import permission_warning, read_config
    from oneup_pinterest.sync.log import logging_to
    from oneup_pinterest.sync.progress import progress_for

    path = config or default_config()
    names = None if streams is None else [name.strip() for name in streams.split(",") if name.strip()]
    values = read_config(path, is_default=config is None)
    if warning := permission_warning(path):
        print_message(f"warning: {warning}")
    result: SyncResult
    if all_shards is not None:
        from oneup_pinterest.sync.all_shards import sync_all_shards

        options = [*(("--streams", streams) if streams is not None else ()), *(["--full-refresh"] * full_refresh)]
        options += ["--verbose" if verbose else "--quiet", *(("--log-file", str(log_file)) if log_file else ())]
        report = (lambda text: None) if quiet else print_message
        result = sync_all_shards(values, database, all_shards, options, report=report, shows_log=verbose)
    else:
        with logging_to(log_file, verbose), progress_for(sys.stderr, quiet or verbose) as progress:
            result = sync_database(values, database, names, full_refresh, progress)
    _print_result(result, database, quiet)
    if as_json:
        print(json.dumps(result.as_json()))
    return result.exit_status


@click.command
@click.argument("sources", nargs=-1, metavar="[FILE]...")
@writable_database_option
@click.option("--stream", metavar="NAME", help="The stream of the rows, if their path does not name it.")
@click.option(
    "--state-output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the state for the next read to this file, as `state` prints it.",
)
def load(sources: tuple[str, ...], database: "Place", stream: str | None, state_output: Path | None) -> int:
    """Load what `python main.py read` or an Airbyte file destination wrote.

    FILE is a file of messages, or of rows as JSON Lines or Parquet, also compressed (.gz, .zst); a folder of such
    files; or - for standard input (default: -).
    """
    start_quickly()
    from oneup_pinterest.sync.load import load as load_files
    from oneup_pinterest.sync.progress import progress_for
    from oneup_pinterest.sync.states import write_states_json

    files = list(sources) or ["-"]
    if "-" in files and sys.stdin.isatty():
        raise UserError(
            "Name the files to load, or pipe the output of `python main.py read` into this command.", exit_status=2
        )
    with progress_for(sys.stderr) as progress:
        result = load_files(files, database, stream, progress)
    _print_result(result, database)
    if state_output:
        write_states_json(database, state_output)
    return result.exit_status


def _print_result(result: "SyncResult", database: "Place", is_quiet: bool = False) -> None:
    """Print the summary, and what to do next."""
    if summary := result.summary(is_quiet):
        print_message(summary)
    if is_quiet:
        return
    if result.exit_status:
        print_message("next: fix what is named above, then run this again; it reads what is missing")
    else:
        option = "" if is_default(database) else f" --database {shlex.quote(str(database))}"
        print_message(f"next: oneup-pinterest report{option}")


@click.command
@database_option
def state(database: "Place") -> int:
    """Print the state as JSON, for the next `python main.py read`."""
    from oneup_pinterest.sync.states import states_json

    if isinstance(database, Path) and not database.exists():
        raise UserError(f"There is no database {database}. Sync or load into it first.")
    print(text := states_json(database))
    if text == "[]":
        print_message(f"{database} has no state yet; the next read starts from the beginning.")
    return 0


@click.command
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE")
@database_option
def backup(target: Path, database: "Place") -> int:
    """Copy the database to FILE, and read the copy back.

    The copy is consistent, also while a sync runs.
    """
    from oneup_pinterest.database.backup import back_up
    from oneup_pinterest.formatting import format_count

    rows = back_up(database, target)
    count = f"{format_count(sum(rows.values()), 'row')} in {format_count(len(rows), 'table')}"
    print_message(f"{target}: {count}, read back.")
    print(target)
    return 0


@click.command
@database_option
def maintain(database: "Place") -> int:
    """Merge the small files of a lake, and remove old ones.

    Syncs and readers may run meanwhile. Run it every night.
    """
    from oneup_pinterest.database.lake_maintenance import maintain as maintain_lake
    from oneup_pinterest.formatting import format_count

    done = maintain_lake(database)
    print(
        f"{database}: {format_count(done.files_before, 'file')} with {done.bytes_before / 1e6:,.1f} MB before, "
        f"{format_count(done.files_after, 'file')} with {done.bytes_after / 1e6:,.1f} MB after; removed "
        f"{format_count(done.expired_snapshots, 'old snapshot')} and {format_count(done.removed_files, 'old file')}."
    )
    return 0
