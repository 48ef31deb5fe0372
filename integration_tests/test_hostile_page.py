"""The report of a history in which every text is hostile: each is shown as text and never executed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from oneup_pinterest.report import write_report
from oneup_pinterest.report.context import page_of
from test_support.browser import drawn_shapes, open_page
from test_support.history import NOW, make_history

pytestmark = pytest.mark.slow

MARKUP = [
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "<!--<script>",
    '"><img src=x onerror=window.hacked=1>',
    "]]><svg/onload=hacked=1>",
    "' onmouseover='window.hacked=1",
    "<a href=javascript:window.hacked=1>x</a>",
    "<base href=//evil.example>",
    "</style><style>*{display:none}",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "&lt;script&gt;",
    "{{7*7}}",
    "{% raw %}",
    "${window.hacked=1}",
    "datum.hacked",
    "'+(window.hacked=1)+'",
    "__proto__",
    "constructor",
    "\u2028window.hacked=1\u2029",
    "\u202e\u2066gnp",
    "\u200b\ufeff",
    "\x00\x1b[2J",
    '=HYPERLINK("x")',
    "a" * 100_000,
]
LINKS = [
    "javascript:window.hacked=1",
    "JaVaScRiPt:window.hacked=1",
    " javascript:window.hacked=1",
    "java\tscript:window.hacked=1",
    "java\nscript:window.hacked=1",
    "\x01javascript:window.hacked=1",
    "javascript&colon;window.hacked=1",
    "data:text/html,<script>window.hacked=1</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example",
    "blob:x",
    "https://user:pw@evil.example/",
    "http:evil",
    "https://",
    'https://evil.example/" onclick="window.hacked=1',
    "https://www.pinterest.com/pin/1/",
]
ELEMENTS = {
    "b",
    "button",
    "caption",
    "circle",
    "img",
    "input",
    "nav",
    "polyline",
    "html",
    "head",
    "meta",
    "link",
    "title",
    "style",
    "script",
    "body",
    "header",
    "main",
    "article",
    "section",
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "span",
    "strong",
    "small",
    "code",
    "label",
    "select",
    "option",
    "ul",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "bdi",
    "div",
    "figure",
    "details",
    "summary",
    "a",
    "form",
    "svg",
    "g",
    "path",
    "line",
    "text",
    "rect",
    "defs",
    "clippath",
    "lineargradient",
    "stop",
    "tspan",
}
EXPRESSIONS = ("calculate", "filter", "expr", "labelExpr", "test", "signal", "field", "as", "groupby", "fold")


def drawn_texts(count: int) -> list[str]:
    """Return hostile texts: those of MARKUP, and random Unicode texts mixed with markup."""
    texts: list[str] = []
    anything = st.characters(exclude_categories=("Cs",))  # a file cannot hold half of a surrogate pair
    piece = st.one_of(st.text(anything, max_size=20), st.sampled_from(MARKUP[:-1]))

    @hypothesis.seed(6)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(st.lists(piece, min_size=1, max_size=4).map("".join))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    return [*MARKUP, *texts]


def with_hostile_texts(path: Path, texts: list[str]) -> Path:
    """Write a history in which every text is one of these, including ids, names and metrics."""
    database, rng = make_history(path, days=40, pins=40), Random(6)
    with duckdb.connect(str(database)) as connection:
        ids = connection.execute("SELECT DISTINCT social_network_id, id FROM _pins ORDER BY ALL").fetchall()
        for place, (account, pin) in enumerate(ids):
            link, media, kind = rng.choice(LINKS), rng.choice(LINKS), rng.choice(texts[:6])
            chosen = [texts[place % len(texts)], link, kind, rng.choice(texts), media]
            connection.execute(
                "UPDATE _pins SET text = ?, permalink = ?, format = ?, media_type = ?, media_url = ? "
                "WHERE social_network_id = ? AND id = ?",
                [*chosen, account, pin],
            )
            connection.execute("UPDATE _pins SET id = id || ? WHERE id = ?", [rng.choice(MARKUP[:-1]), pin])
        for key in ("saves", "posts"):
            query = "UPDATE overview_metrics SET name = ?, description = ? WHERE key = ?"
            connection.execute(query, [*rng.sample(texts, 2), key])
        connection.execute("UPDATE overview_metrics SET key = ? WHERE key = 'comments'", [MARKUP[1]])
        connection.execute(
            "UPDATE post_performance SET ranking = ?, text = ?, permalink = ?", [MARKUP[1], MARKUP[0], LINKS[0]]
        )
        connection.execute("UPDATE accounts SET username = ?, full_name = ?", [MARKUP[0], MARKUP[4]])
        for table in ("_pins", "overview_metrics", "pin_totals", "post_performance", "account_followers", "accounts"):
            for number, account in enumerate(("pin_one", "pin_two")):
                connection.execute(
                    f"UPDATE {table} SET social_network_id = ? WHERE social_network_id = ?", [MARKUP[number], account]
                )
    return database


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")
        yield with_hostile_texts(tmp_path_factory.mktemp("hostile") / "history.duckdb", drawn_texts(60))


def expressions(value: Any) -> Iterator[str]:
    """Yield every text in a specification that Vega evaluates or looks up, which excludes the rows of data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in EXPRESSIONS:
                yield json.dumps(inner)
            if key not in ("values", "datasets"):
                yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("values", "datasets"):
                yield key
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_charts_evaluate_no_text_of_a_pin_and_load_nothing(hostile: Path) -> None:
    page = page_of(hostile)
    specifications = [spec for account in page["accounts"] for spec in account["charts"].values()]
    specifications += page["side_by_side"]["charts"].values()
    assert len(specifications) > 6
    for spec in specifications:
        assert not {"href", "url"} & set(keys(spec))
        assert '"image"' not in json.dumps(spec.get("mark", ""))
        found = set(expressions(spec))
        assert found
        assert [text for text in found if "hacked" in text or "<" in text.replace("<=", "").replace(" < ", "")] == []


def test_a_browser_shows_every_hostile_text_as_text(hostile: Path, tmp_path: Path) -> None:
    report = write_report(hostile, tmp_path / "report.html")
    expected = page_of(hostile)
    with open_page(report) as page:  # fails on any request, error, warning or violation of the policy
        for number, account in enumerate(expected["accounts"]):
            page.get_by_label("Account", exact=True).select_option(f"account-{number}")
            assert len(drawn_shapes(page)) > 3
            shown = page.evaluate(
                "n => [...document.querySelectorAll(`#account-${n} details table`)].map(table => "
                "[...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent)))",
                number,
            )
            answers = [item for group in account["groups"] for item in group["answers"] if item["rows"]]
            for answer, rows in zip(answers, shown, strict=True):
                is_link = [column["kind"] == "link" for column in answer["columns"]]
                for cells, row in zip(answer["rows"], rows, strict=True):
                    texts = [text for text, link in zip(cells, is_link, strict=True) if not link]
                    assert [text for text, link in zip(row, is_link, strict=True) if not link] == texts
            title = page.evaluate("n => document.querySelector(`#account-${n} h2`).textContent", number)
            assert title == f"{MARKUP[4]} (@{MARKUP[0]})"
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.title") == "Pinterest history"
        tags = page.evaluate("[...new Set([...document.querySelectorAll('*')].map(e => e.tagName.toLowerCase()))]")
        assert set(tags) - ELEMENTS == set()
        links = page.evaluate("[...document.querySelectorAll('a, [href], [src]')].map(e => e.href ?? e.src)")
        assert set(links) - {"data:,"}
        assert [
            link for link in links if not re.match(r"https?://[^@]+$|data:,$|file:[^?]*#account-\d+-[a-z]+$", link)
        ] == []
        names = page.evaluate("[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())")
        assert [name for name in names if name.startswith("on")] == []
