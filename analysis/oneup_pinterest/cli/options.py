"""The options that several commands share, and the values that they take."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneup_pinterest.cli.places import default_database
from oneup_pinterest.console import print_message
from oneup_pinterest.errors import UserError

if TYPE_CHECKING:
    from oneup_pinterest.database.place import Place
    from oneup_pinterest.database.reader import Database

Command = Callable[..., int]


class DatabasePath(click.ParamType[Any]):
    """The absolute path of a DuckDB file, or a lake."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Place":
        """Return the place, or raise the `UserError` of `place_of`."""
        from oneup_pinterest.database.place import place_of  # loads DuckDB, which `--help` does not need

        return place_of(value)


class Age(click.ParamType[Any]):
    """A time span, written as a number and a unit: m, h or d."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the time span.

        Raises:
            UserError: the value is not a time span (exit status 2).
        """
        found = re.fullmatch(r"(\d{1,6})([mhd])", value)
        if found is None:
            raise UserError(f"{value} is not an age: write a number and m, h or d, for example 36h.", 2)
        return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])})


class Day(click.ParamType[Any]):
    """A day, written as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day.

        Raises:
            UserError: the value is not a day (exit status 2).
        """
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise UserError(f"{value} is not a day: write it as YYYY-MM-DD, for example 2026-03-31.", 2) from None


def config_option(command: Command) -> Command:
    """Add `--config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The connector's config as JSON, or - for standard input (default: secrets/config.json if it is there, "
        "else config.json in your config folder). The environment variable ONEUP_API_KEY overrides its api_key.",
    )(command)


def database_option(command: Command, *, prints_default: bool = False) -> Command:
    """Add `--database`, and hand its value or the default to the command.

    `prints_default`: whether the default is printed; False where the command itself says which file it used.
    """
    option = click.option(
        "--database",
        type=DatabasePath(),
        metavar="FILE",
        help="The DuckDB file, or with the extra `lake` ducklake:FILE or ducklake:postgres:DSN (default: "
        "oneup_pinterest.duckdb in this folder if it is there, else in your data folder).",
    )

    @wraps(command)
    def with_default(*, database: "Place | None", **options: Any) -> int:
        chosen = database or default_database()
        if prints_default and database is None:
            print_message(f"database: {chosen}")
        return command(database=chosen, **options)

    return option(with_default)


def writable_database_option(command: Command) -> Command:
    """Add `--database` and `--data-path`, and hand the command both as one place."""

    @wraps(command)
    def with_data_path(*, database: "Place", data_path: str | None, **options: Any) -> int:
        if data_path is None:
            return command(database=database, **options)
        from oneup_pinterest.database.place import place_of

        return command(database=place_of(database, data_path), **options)

    option = click.option(
        "--data-path",
        metavar="DIR",
        help="For a new lake: the folder or s3:// address of its data files (default with ducklake:FILE: FILE.files). "
        "The lake keeps it.",
    )
    return database_option(option(with_data_path))


def history_options(command: Command, *, prints_default: bool = True) -> Command:
    """Add the options that choose what is read of which file; the command gets it as `database`."""

    @wraps(command)
    def with_history(
        *,
        database: "Place",
        schema: tuple[str, ...],
        prefix: str | None,
        account: tuple[str, ...],
        since: date | None,
        until: date | None,
        **options: Any,
    ) -> int:
        return command(database=_chosen(database, schema, prefix, account, since, until), **options)

    options = _schema_options(_selection_options(with_history))
    return database_option(options, prints_default=prints_default)


def _schema_options(command: Command) -> Command:
    schema = click.option(
        "--schema",
        multiple=True,
        metavar="NAME",
        help="For a file that another tool wrote: read only this schema; repeatable (default: every schema with "
        "streams).",
    )
    prefix = click.option(
        "--prefix",
        metavar="TEXT",
        help="For a file that another tool wrote: the prefix of its table names, as in oneup_pins; *TEXT is a suffix "
        "(default: detected).",
    )
    return schema(prefix(command))


def _selection_options(command: Command) -> Command:
    account = click.option(
        "--account",
        multiple=True,
        metavar="ID",
        help="Only this account, by its id or @username; repeatable (default: all accounts).",
    )
    since, until = (
        click.option(
            option,
            type=Day(),
            metavar="DATE",
            help=f"The {which} day, as YYYY-MM-DD, of the snapshots and periods to read (default: all days).",
        )
        for option, which in (("--since", "first"), ("--until", "last"))
    )
    return account(since(until(command)))


def _chosen(
    path: "Place",
    schema: tuple[str, ...],
    prefix: str | None,
    account: tuple[str, ...],
    since: date | None,
    until: date | None,
) -> "Database":
    from oneup_pinterest.database.stored_tables import HistoryFile

    file = HistoryFile(path, list(schema), prefix, list(account), since, until)
    return file if schema or prefix is not None or file.is_restricted else file.path


def output_option(metavar: str, default: str, what: str) -> Callable[[Command], Command]:
    """Return a decorator that adds `--output`."""
    return click.option(
        "--output",
        type=click.Path(path_type=Path),
        metavar=metavar,
        default=Path(default),
        show_default=False,
        help=f"{what} to write (default: {default}).",
    )


def json_option(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(command)
