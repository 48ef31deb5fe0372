"""The commands that set the kit up: the key, the accounts, the nightly job, and what may be wrong with them."""

import json
import os
import shlex
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oneup_pinterest.cli.options import config_option, database_option, history_options, json_option
from oneup_pinterest.cli.places import APPLICATION, default_config
from oneup_pinterest.console import print_message, print_table
from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import KINDS
from source_oneup_pinterest.start import start_quickly

if TYPE_CHECKING:
    from oneup_pinterest.database.reader import Database
    from oneup_pinterest.setup.first_config import ListedAccount


@click.command
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write (default: secrets/config.json if it is there, else config.json in your config folder).",
)
@click.option(
    "--account",
    multiple=True,
    metavar="ID",
    help="Sync only this account, by its id or @username; repeatable (default: asks; with --yes all accounts).",
)
@click.option("--yes", is_flag=True, help="Ask nothing: the key comes from ONEUP_API_KEY.")
def init(config: Path | None, account: tuple[str, ...], yes: bool) -> int:
    """Ask for the API key, check it, choose accounts, and write the config."""
    start_quickly()
    from oneup_pinterest.setup.first_config import (
        chosen_accounts,
        list_accounts,
        read_known,
        require_writable,
        unreadable,
        write_config,
    )
    from oneup_pinterest.sync.signals import interrupt_waiting_input

    path = config or default_config()
    if str(path) == "-":
        raise UserError("`init` writes a file: name it with --config.", 2)
    known = read_known(path)
    require_writable(path)
    if not (yes or account or sys.stdin.isatty()):
        raise UserError("`init` asks in a terminal: run it in one, or with --yes and the key in ONEUP_API_KEY.", 2)
    interrupt_waiting_input()
    values = known | {"api_key": _asked_key(yes, has_key=bool(known.get("api_key")), path=path) or known["api_key"]}
    print_message("Asking OneUp for the accounts of this key …")
    listed = list_accounts(values)
    _print_listed(listed)
    chosen = chosen_accounts(listed, list(account)) if account or yes else _asked_accounts(listed)
    for name, reason in unreadable(values, chosen or listed).items():
        print_message(f"warning: {name}: {reason}")
    write_config(path, values, chosen)
    print_message(f"Wrote {path}; only you can read it.")
    option = "" if config is None else f" --config {shlex.quote(str(path))}"
    print_message(f"Next: oneup-pinterest sync{option}")
    return 0


def _asked_key(yes: bool, *, has_key: bool, path: Path) -> str | None:
    """Return the key from the environment or the terminal; None to keep the one of the config."""
    from oneup_pinterest.sync.config import KEY_VARIABLE

    if key := os.environ.get(KEY_VARIABLE, "").strip():
        print_message(f"Using the key of {KEY_VARIABLE}.")
        return key
    if yes or not sys.stdin.isatty():
        if has_key:
            return None
        raise UserError(f"There is no key: set {KEY_VARIABLE}, or run this in a terminal without --yes.", 2)
    print_message("The API key is in OneUp under Settings, API. What you type is not shown.")
    kept = f" (Enter keeps the one in {path})" if has_key else ""
    answer = click.prompt(
        f"API key{kept}", hide_input=True, default="" if has_key else None, show_default=False, err=True
    )
    return str(answer).strip() or None


def _print_listed(listed: "list[ListedAccount]") -> None:
    from oneup_pinterest.setup.first_config import lost_accounts

    rows = [(str(number), *account.cells()) for number, account in enumerate(listed, 1)]
    print_table(("", "Username", "Name", "State", "Id"), rows, to_stderr=True)
    if lost := lost_accounts(listed):
        print_message(f"Connect again in OneUp, because no new figures come: {lost}.")


def _asked_accounts(listed: "list[ListedAccount]") -> "list[ListedAccount] | None":
    """Return the accounts that the user chose; None for all, also those connected later."""
    from oneup_pinterest.setup.first_config import numbers_in

    while True:
        answer = click.prompt("Sync which accounts? Numbers such as 1,3-5, or all", default="all", err=True).strip()
        if answer.lower() == "all":
            return None
        try:
            return [listed[number - 1] for number in numbers_in(answer, len(listed))]
        except UserError as error:
            print_message(str(error))


@click.command
@history_options
@json_option
def accounts(database: "Database", as_json: bool) -> int:
    """List the accounts of the database, with state, newest snapshot and pins."""
    from oneup_pinterest.quality.accounts import list_accounts

    rows = list_accounts(database)
    if as_json:
        print(json.dumps(rows, default=str))
        return 0
    titles = ("Id", "Username", "Name", "State", "Newest snapshot", "Pins")
    print_table(titles, [tuple("" if value is None else str(value) for value in row.values()) for row in rows])
    return 0


@click.command
@config_option
@database_option
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.option("--at", metavar="HH:MM", default="06:00", help="The local time of the job (default: 06:00).")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Also write the report to this file after each sync.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the files into this folder instead of printing them.",
)
@click.option("--install", is_flag=True, help="Set the job up for you; without this it is only printed.")
def schedule(
    kind: str | None,
    config: Path | None,
    database: Path,
    at: str,
    report: Path | None,
    output: Path | None,
    install: bool,
) -> int:
    """Print, or with --install set up, the job that syncs every night.

    What runs the job: cron, systemd, launchd (macOS), windows (Task Scheduler) or github (Actions). Without a name it
    is what this machine has.
    """
    from oneup_pinterest.setup.schedule import Job, default_kind, files, instructions, write_files
    from oneup_pinterest.setup.schedule import install as install_job
    from oneup_pinterest.setup.schedule.job import problem_at_night

    try:
        moment = datetime.strptime(at, "%H:%M").time()
    except ValueError:
        raise UserError(f"{at} is not a time of day: write it as HH:MM, for example 06:00.", 2) from None
    if not isinstance(database, Path):
        raise UserError("`schedule` writes a job for one DuckDB file: docs/scale.md has jobs for a lake.", 2)
    kind = kind or default_kind(sys.platform)
    path = (config or default_config()).absolute()
    if config is not None and str(config) == "-":
        raise UserError("Nobody is there at night to give a config on standard input: name a file with --config.", 2)
    if problem := "" if kind == "github" else problem_at_night(path):
        print_message(f"warning: {problem}")
    job = Job(
        _executable(),
        path,
        database,
        report.absolute() if report else None,
        database.with_suffix(".log"),
        moment,
    )
    if install:
        print(install_job(kind, job))
        return 0
    if output:
        print(*write_files(kind, job, output), sep="\n")
    else:
        print(*(f"# {name}\n{text}" for name, text in files(kind, job).items()), sep="\n")
    print_message(instructions(kind, job))
    return 0


def _executable() -> Path:
    """Return the absolute path of `oneup-pinterest`, beside this interpreter if it is there."""
    beside = Path(sys.executable).with_name(f"{APPLICATION}.exe" if os.name == "nt" else APPLICATION)
    found = str(beside) if beside.exists() else shutil.which(APPLICATION)
    if not found:
        raise UserError(f"The command {APPLICATION} is not installed here: pip install source-oneup-pinterest first.")
    return Path(found).absolute()


@click.command
@config_option
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.zip",
    help="Also write what it found, the last runs and the findings into a file for support; it holds no key.",
)
@database_option
def doctor(config: Path | None, database: Path, bundle: Path | None) -> int:
    """Check the installation, the config, OneUp and the disk."""
    start_quickly()
    from oneup_pinterest.setup.doctor import examine, find_config, write_bundle

    read = find_config(config or default_config())
    print_message("Asking OneUp … (if it cannot be reached, this takes up to a minute)")
    found = examine(read, database)
    print_table(("", "What", "Found"), [(check.mark, check.what, check.found) for check in found])
    for check in found:
        if check.what_to_do:
            print(f"{check.what}: {check.what_to_do}")
    if bundle:
        write_bundle(bundle, found, read, database)
        print_message(f"Wrote {bundle}; look at it before you send it.")
    return 1 if any(check.is_failure for check in found) else 0
