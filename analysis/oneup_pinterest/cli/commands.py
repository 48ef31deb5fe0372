"""The commands of `oneup-pinterest`, in the order of `--help`."""

from importlib.metadata import PackageNotFoundError, version

import click

from oneup_pinterest.cli import reading, setting_up, syncing

PROGRAM = "oneup-pinterest"
DESCRIPTION = "Keep the history of your Pinterest analytics from OneUp in one DuckDB file, and analyze it."
EXIT_STATUS = (
    "Exit status: 0 done; 1 failed; 2 wrong usage or config; 3 done, but an account or a part of the input could not "
    "be read; 4 the data are older than `status --max-age`."
)
SECTIONS = {
    "Set up": (setting_up.init, setting_up.accounts, setting_up.schedule, setting_up.doctor, reading.demo),
    "Sync": (syncing.sync, syncing.load, syncing.state, syncing.backup, syncing.maintain),
    "Read": (reading.status, reading.report, reading.export, reading.query, reading.notebooks),
}


class SectionedGroup(click.Group):
    """A group whose help lists the commands in sections."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, with one line per command."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(str(command.name), command.get_short_help_str(90)) for command in commands])


def _version() -> str:
    try:
        return version("source-oneup-pinterest")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"


oneup_pinterest = SectionedGroup(
    PROGRAM,
    help=DESCRIPTION,
    epilog=EXIT_STATUS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
oneup_pinterest = click.version_option(_version(), message="%(version)s")(oneup_pinterest)
for _commands in SECTIONS.values():
    for _command in _commands:
        _command.epilog = EXIT_STATUS
        oneup_pinterest.add_command(_command)
