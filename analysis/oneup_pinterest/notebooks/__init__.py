"""Open JupyterLab on the notebooks with the chosen database, choose what they show, and show answers in them."""

from oneup_pinterest.notebooks.choice import DATABASE_VARIABLE, chosen_database, start
from oneup_pinterest.notebooks.display import MAX_ROWS, as_html_table, show
from oneup_pinterest.notebooks.opening import notebook_folder, open_notebooks
from oneup_pinterest.notebooks.pictures import StoredPictures
from oneup_pinterest.notebooks.widget import choose

__all__ = [
    "DATABASE_VARIABLE",
    "MAX_ROWS",
    "StoredPictures",
    "as_html_table",
    "choose",
    "chosen_database",
    "notebook_folder",
    "open_notebooks",
    "show",
    "start",
]
