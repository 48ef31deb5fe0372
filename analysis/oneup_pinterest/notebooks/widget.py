"""Choose an account and days with a small widget, once for all notebooks."""

import importlib.util
from html import escape
from typing import Any

from oneup_pinterest.database.reader import open_history
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import isolate_bidi, truncate
from oneup_pinterest.notebooks.choice import (
    Choice,
    choice_file,
    chosen_database,
    known_accounts,
    read_choice,
    with_days,
    write_choice,
)

KEPT = "Kept for all notebooks until JupyterLab stops. Now choose Run → Run All Cells."
_BY_HAND = (
    "To choose here, open the notebooks with `oneup-pinterest notebooks --database FILE`. Or write ACCOUNT, SINCE and "
    "UNTIL in the first cell."
)


def choose() -> None:
    """Show a list of accounts and two days to choose from. Every notebook then starts with them.

    The choice is kept in a file that only this JupyterLab's notebooks know, and ends with it. A choice that the
    database cannot show is not kept, and the widget says why.
    """
    from IPython.display import display

    if choice_file() is None or importlib.util.find_spec("ipywidgets") is None:
        print(_BY_HAND)
        return
    display(chooser())  # type: ignore[no-untyped-call]


def chooser() -> Any:
    """Return the widget: a list, two days, and a line that says whether the choice is kept."""
    import ipywidgets

    file, database = choice_file(), chosen_database()
    assert file is not None
    with open_history(database) as history:
        accounts, names = known_accounts(history)
    first = read_choice()
    if first is None:
        first = Choice(None, database.since, database.until) if isinstance(database, HistoryFile) else Choice()
    labels = [f"{truncate(known)} {isolate_bidi(names.get(known))}" for known in accounts]
    options = [("the one with most pins", None), *zip(labels, accounts, strict=True)]
    account = ipywidgets.Dropdown(
        options=options, value=first.account if first.account in accounts else None, description="Account"
    )
    since = ipywidgets.DatePicker(value=first.since, description="From")
    until = ipywidgets.DatePicker(value=first.until, description="To")
    status = ipywidgets.HTML()

    def keep(_: object) -> None:
        choice = Choice(account.value, since.value, until.value)
        try:
            with open_history(with_days(database, choice.since, choice.until)):
                write_choice(file, choice)
        except UserError as error:
            status.value = f"Not kept: {escape(str(error))}"
        else:
            status.value = KEPT

    for part in (account, since, until):
        part.observe(keep, names="value")
    return ipywidgets.VBox([ipywidgets.HBox([account, since, until]), status])
