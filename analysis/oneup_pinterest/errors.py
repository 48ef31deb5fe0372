"""Define the error that a user can fix: a message, and the exit status of the command."""


class UserError(Exception):
    """A problem that the user can fix. The message says what is wrong and what to do.

    `exit_status` is 1 (failed) or 2 (wrong usage or config).

    >>> UserError("demo.duckdb does not exist.", 2).exit_status
    2
    """

    def __init__(self, message: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows instead of a traceback; IPython looks for this name."""
        return [str(self)]
