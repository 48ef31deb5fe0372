"""Build the documentation site in site/ from docs/, the top-level pages and the docstrings (`make site`).

GitHub shows the same pages, so their links follow the repository's folders. The site has its own folders: the pages are
copied to build/site_pages with links that fit. A link to another file leads to the repository if GitHub Actions
names it, and becomes plain text otherwise.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TOP_LEVEL_PAGES = ("BEHAVIOR.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
CONFIG = ROOT / "zensical.toml"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
COLOR = re.compile(r"\x1b\[[0-9;]*m")
LOGGED_PROBLEM = re.compile(r"^\W*(warning|error)\b|could not be found", re.IGNORECASE | re.MULTILINE)


def main() -> None:
    """Build the site; exit with 1 if a link is broken, a page is in no menu or an API object is not found."""
    project = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]
    staged = ROOT / project["docs_dir"]
    copy_pages(staged, repository_address())
    pages = {page.relative_to(staged).as_posix() for page in staged.rglob("*.md")}
    if missing := sorted(pages - set(pages_in(project["nav"]))):
        sys.exit(f"Not in the nav of zensical.toml: {', '.join(missing)}")
    shutil.rmtree(ROOT / project["site_dir"], ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(CONFIG)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    printed = COLOR.sub("", ended.stdout)
    # Zensical ends with a traceback after it has printed the problem
    messages = printed.partition("Traceback (most recent call last)")[0]
    problem = LOGGED_PROBLEM.search(messages)
    print(messages.strip() if problem else printed.strip())
    sys.exit(bool(ended.returncode or problem))  # --strict ignores problems logged by mkdocstrings


def copy_pages(target: Path, repository: str | None) -> None:
    """Copy all pages and their pictures to `target`, with adapted links."""
    shutil.rmtree(target, ignore_errors=True)
    homes = {path: path.relative_to(DOCS) for path in DOCS.rglob("*") if path.suffix in (".md", ".png", ".svg")}
    homes |= {ROOT / name: Path(name) for name in TOP_LEVEL_PAGES}
    for page, home in homes.items():
        (target / home).parent.mkdir(parents=True, exist_ok=True)
        if page.suffix == ".md":
            text = with_site_links(page.read_text(encoding="utf-8"), page, homes, repository)
            (target / home).write_text(text, encoding="utf-8")
        else:
            shutil.copy(page, target / home)


def with_site_links(text: str, page: Path, homes: dict[Path, Path], repository: str | None) -> str:
    """Return a page's text with links for the site, and without tags that only Airbyte's site understands."""

    def rewritten(link: re.Match[str]) -> str:
        picture, label, target, anchor = link.groups(default="")
        if not target or re.match(r"[a-z]+:", target):
            return link[0]
        path = (page.parent / target).resolve()
        if path == ROOT / "README.md":  # the home page replaces it
            return f"[{label}](" + os.path.relpath("index.md", homes[page].parent) + ")"
        if path in homes:
            return f"{picture}[{label}]({os.path.relpath(homes[path], homes[page].parent)}{anchor})"
        if not path.exists():
            return link[0]  # the build reports it
        if repository:
            return f"[{label}]({repository}/{path.relative_to(ROOT).as_posix()})"
        return label

    text = re.sub(r"^</?HideInUI>\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^<details>$", "<details markdown>", text, flags=re.MULTILINE)
    return LINK.sub(rewritten, text)


def pages_in(nav: list[Any]) -> Iterator[str]:
    """Yield the pages of a nav, in order.

    >>> list(pages_in([{"Home": "index.md"}, {"Results": [{"Glitches": "results/glitches.md"}]}]))
    ['index.md', 'results/glitches.md']
    """
    for entry in nav:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages_in(target)


def repository_address() -> str | None:
    """Return where GitHub shows the files of this commit, or None outside of GitHub Actions."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")
    server, repository, commit = (os.environ.get(name) for name in names)
    return f"{server}/{repository}/blob/{commit}" if server and repository and commit else None


if __name__ == "__main__":
    main()
