"""Fence the doctests of docstrings for the API pages of the site, because Markdown takes `>>>` for quotations."""

import re
from typing import Any

import griffe

DOCTEST = r"[ ]*>>> .*(?:\n[ ]*\S.*)*"  # from a prompt to the next blank line
DOCTESTS = re.compile(rf"^{DOCTEST}(?:\n\s*\n{DOCTEST})*", re.MULTILINE)


class DoctestBlocks(griffe.Extension):
    """Change every docstring as soon as griffe has read it."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Change the docstring of the package itself, for which `on_object` is not called."""
        self.on_object(obj=pkg)

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = fence_doctests(obj.docstring.value)


def fence_doctests(docstring: str) -> str:
    r"""Return a docstring with a fence around each block of doctests.

    >>> fence_doctests("Add.\n\n>>> 1 + 1\n2\n\nMore.")
    'Add.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.'
    """
    return DOCTESTS.sub(lambda block: f"```pycon\n{block[0]}\n```", docstring)
