"""The report is one self-contained file that shows its freshness and treats hostile texts as text."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from oneup_pinterest.database.reader import open_history, read_relation
from oneup_pinterest.errors import UserError
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.report import write_report
from oneup_pinterest.report.context import PIN_COLUMNS, page_of
from test_support.history import NOW, as_other_destination, make_history, make_long_history


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def report(path: Path, **options: Any) -> str:
    database = path / "history.duckdb"
    if not database.exists():
        make_history(database, **options)
    return write_report(database, path / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """The elements of a page with their attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._inside:
            self.scripts.append(data)
        elif "style" not in self._inside:
            self._text.append(data)


def test_page_shows_its_data_window_and_freshness(tmp_path: Path) -> None:
    text = Page(report(tmp_path)).text
    assert "36 pins of 2 accounts, seen on 20 days from 12 Mar 2026 to 31 Mar 2026." in text
    assert "Data up to yesterday, 30 Mar 2026; synced 3 hours ago (31 Mar 2026, 06:00 UTC)." in text
    assert "1 Mar 2026 to 30 Mar 2026" in text


def test_stale_data_shows_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = [attributes for tag, attributes in Page(report(tmp_path)).elements if attributes.get("id") == "stale"]
    assert "hidden" in stale[0]
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{(NOW + timedelta(hours=34)).isoformat()}+00:00")
    page = Page(report(tmp_path))
    stale = [attributes for tag, attributes in page.elements if attributes.get("id") == "stale"]
    assert "hidden" not in stale[0]
    assert "Data up to 30 Mar 2026" in page.text


@pytest.mark.parametrize(("account", "is_made_up"), [("pin_sandbox_hearth", True), ("pin_hearth", False)])
def test_made_up_data_shows_a_banner(tmp_path: Path, account: str, is_made_up: bool) -> None:
    assert ("Made-up data." in Page(report(tmp_path, accounts=(account,), days=2)).text) is is_made_up


def test_page_loads_nothing_external_and_links_only_to_pins(tmp_path: Path) -> None:
    page = Page(report(tmp_path, days=3))
    addresses = [
        (tag, name, value)
        for tag, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster", "style") or name.startswith("on")
    ]
    assert {(tag, name) for tag, name, _ in addresses} == {("a", "href"), ("link", "href")}
    every_link = [attributes for tag, attributes in page.elements if tag == "a"]
    links = [attributes for attributes in every_link if not str(attributes["href"]).startswith("#account-")]
    assert links
    assert all(link["rel"] == "noopener noreferrer" for link in links)
    assert all(str(link["href"]).startswith("https://www.pinterest.com/pin/") for link in links)


def test_policy_allows_only_the_scripts_and_styles_of_the_page(tmp_path: Path) -> None:
    html = report(tmp_path, days=3)
    policies = [a["content"] for t, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    policy = str(policies[0])
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies]
        (allowed,) = re.findall(rf"{tag}-src ([^;]*)", policy)
        assert allowed.split() == [f"'sha256-{value}'" for value in hashes]


def test_hostile_texts_are_shown_as_text(tmp_path: Path) -> None:
    html = report(tmp_path, days=3, pins=12, hostile=True)
    page = Page(html)
    assert "<script>window.hacked=1</script><img src=x" in page.text
    assert "<b>Bad</b> Account 0" in page.text
    assert [tag for tag, _ in page.elements].count("img") == 0
    # the script of the page, Vega, and the charts of each account
    assert [tag for tag, _ in page.elements].count("script") == 4
    assert "javascript:" not in "".join(str(a.get("href")) for t, a in page.elements if t == "a")


def test_embedded_json_cannot_end_its_script(tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb", days=40, pins=40)
    with duckdb.connect(database) as connection:
        connection.execute("UPDATE _pins SET text = '</script><!--<script>alert(1)'")
    html = report(tmp_path)
    embedded = re.findall(r'<script type="application/json" class="charts">(.*?)</script>', html, re.DOTALL)
    assert len(embedded) == 2  # one per account
    assert not any("<" in text for text in embedded)
    assert "</script><!--<script>alert" in "".join(json.dumps(json.loads(text)) for text in embedded)


def _one_sync(path: Path) -> None:
    make_history(path, days=1)


def _one_pin(path: Path) -> None:
    make_history(path, ("pin_one",), days=2, pins=1)


def _empty(path: Path) -> None:
    make_history(path, days=0)


def _no_pins(path: Path) -> None:
    make_history(path, ("pin_one",), days=1, pins=0)


def _accounts_only(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")


def test_pins_keep_their_texts_if_an_id_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "h.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE pins AS SELECT 'pin_a' AS social_network_id, id, 'text of ' || id AS text, "
            "TIMESTAMP '2026-03-01' AS timestamp, DATE '2026-03-01' + day::INTEGER AS snapshot_date, 10 AS saves "
            "FROM unnest(['2', NULL, '10', '1']) AS ids(id), range(3) AS days(day)"
        )
    with open_history(path) as history:
        pins, latest = read_relation(history, "pins", columns=PIN_COLUMNS), read_relation(history, "pins_latest")
    shown = latest_pins(LoadedHistory(pins, pins_latest=latest))
    assert_frame_equal(shown.select("id"), latest_pins(LoadedHistory(pins)).select("id"))
    assert set(shown.select("id", "text").drop_nulls().iter_rows()) == {(n, f"text of {n}") for n in ("1", "2", "10")}
    assert write_report(path, tmp_path / "report.html").is_file()


@pytest.mark.parametrize("make", [_empty, _one_sync, _one_pin, _no_pins, _accounts_only])
def test_page_reports_too_little_data(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "history.duckdb")
    assert "Not enough data yet: " in Page(report(tmp_path)).text


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"missing_days": (5, 6, 7)}, {"reset_on": 9}])
def test_page_reports_gaps_and_resets(tmp_path: Path, options: dict[str, Any]) -> None:
    text = Page(report(tmp_path, **options)).text
    expected = "3 of 20 days have no snapshot" if "missing_days" in options else "of most pins fell at one sync"
    assert expected in text


def test_rolling_counter_is_explained_and_not_charted(tmp_path: Path) -> None:
    text = Page(report(tmp_path, days=20, rolling=True)).text
    assert "Gains of saves are not known" in text
    assert "Saves gained a day" not in report(tmp_path)


def test_first_days_show_totals_of_oneup_without_a_verdict(tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb", ("pin_one",), days=2)
    with duckdb.connect(database) as connection:
        connection.execute(
            "UPDATE overview_metrics SET value_current_period = 45, value_last_period = 60, percentage_change = '+9%'"
        )
    text = Page(report(tmp_path)).text
    assert "Saves fell 25% to 45 in the 30 days from 1 Mar 2026 to 30 Mar 2026, from 60." in text
    assert text.count("−25% from 60") == 6
    assert text.count("too early to judge") == 5  # posts are counted, not estimated


def test_first_day_shows_the_lists_of_oneup_with_pictures_and_links(tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb", ("pin_one",), days=1)
    with duckdb.connect(database) as connection:
        connection.execute("DELETE FROM post_performance")
        ((known,),) = connection.execute("SELECT min(id) FROM pins").fetchall()
        for ranking, position, pin in (("most_views", 1, known), ("most_views", 2, "never synced"), ("odd", 1, None)):
            connection.execute(
                "INSERT INTO post_performance BY NAME SELECT 'pin_one' AS social_network_id, 'last_30_days' AS preset, "
                "DATE '2026-03-01' AS period_start, DATE '2026-03-30' AS period_end, ? AS ranking, ? AS position, "
                "? AS id, 'Listed <b>' AS text, ? AS permalink, 2.5 AS engagement_rate",
                [ranking, position, pin, "https://www.pinterest.com/pin/77/"],
            )
    html = report(tmp_path)
    panel = html.partition(">OneUp&#39;s lists</label>")[2].partition("</section>")[0]
    shown = Page(panel)
    assert shown.text.startswith(
        "OneUp's own lists, for the period from 1 Mar 2026 to 30 Mar 2026. OneUp makes these lists and does not "
        "document how it ranks pins."
    )
    assert re.findall(r"<b>(No. \d)</b>", panel) == ["No. 1", "No. 2", "No. 1"]
    assert [text for text in ("Most views", "Odd", "engagement rate 2.5%") if text not in shown.text] == []
    links = [str(attributes["href"]) for tag, attributes in shown.elements if tag == "a"]
    assert links.count("https://www.pinterest.com/pin/77/") == 2  # the known pin has its own link
    assert len(links) == 3
    assert shown.text.count("Listed <b>") == 2
    assert page_of(database)["accounts"][0]["top"][-1]["lists"][0]["pins"][0]["id"] == known


class Pictures:
    """A picture of each pin that the page names: its id."""

    def of(self, pins: pl.DataFrame) -> dict[tuple[str, str], str]:
        return {(account, pin): f"data:{pin}" for account, pin in pins.select("social_network_id", "id").iter_rows()}


def test_tables_of_pins_show_the_picture_of_each_whatever_its_link(tmp_path: Path) -> None:
    database = make_long_history(tmp_path / "history.duckdb", ("pin_one",), days=40, pins=60)
    with duckdb.connect(database) as connection:
        connection.execute(
            "UPDATE _pins SET text = 'text of ' || id, permalink = CASE hash(id) % 3 WHEN 0 THEN NULL "
            "WHEN 1 THEN 'https://www.pinterest.com/pin/1/' ELSE 'https://www.pinterest.com/pin/' || id END"
        )
    html = write_report(database, tmp_path / "report.html", Pictures()).read_text(encoding="utf-8")  # type: ignore[arg-type]
    tables = [table for table in re.findall("<table>.*?</table>", html, re.DOTALL) if 'data-kind="pin"' in table]
    assert len(tables) == 2  # the best and the worst by rate
    for table in tables:
        rows = table.partition("<tbody>")[2].split("<tr>")[1:]
        assert len(rows) == 10
        for row in rows:
            (pin,) = re.findall("text of ([^<]+)</bdi>", row)
            assert f'<img class="thumb" src="data:{pin}"' in row
        assert 0 < table.count("<a href=") < len(rows)


def test_totals_and_gains_on_the_page_equal_plain_sql(tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb", ("pin_one", "pin_two"), days=12)
    page = report(tmp_path)
    with duckdb.connect(database, read_only=True) as connection:
        totals = connection.execute(
            "SELECT social_network_id, key, value_current_period, value_last_period FROM overview_metrics "
            "WHERE period_end = (SELECT max(period_end) FROM overview_metrics)"
        ).fetchall()
        gains = connection.execute(
            "WITH steps AS (SELECT social_network_id, snapshot_date - 1 AS day, saves - lag(saves) OVER pin AS gain "
            "FROM pins WINDOW pin AS (PARTITION BY social_network_id, id ORDER BY snapshot_date)) "
            "SELECT social_network_id, day, sum(gain)::BIGINT FROM steps WHERE gain IS NOT NULL AND day < "
            "(SELECT max(snapshot_date) - 3 FROM pins) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        new = connection.execute(
            "SELECT social_network_id, day, sum(saves)::BIGINT FROM (SELECT social_network_id, saves, "
            "snapshot_date - 1 AS day, row_number() OVER (PARTITION BY social_network_id, id ORDER BY snapshot_date) "
            "AS sight FROM pins) WHERE sight = 1 AND day >= (SELECT min(snapshot_date) FROM pins) GROUP BY ALL"
        ).fetchall()
    assert totals
    assert gains
    first_sights = {(account, day): saves for account, day, saves in new}
    articles = dict(zip(("pin_one", "pin_two"), re.findall(r"<article.*?</article>", page, re.DOTALL), strict=True))
    for account, key, now, before in totals:  # too few days for a comparison: OneUp's totals are shown
        tile = re.search(rf'data-key="{key}".*?</li>', articles[account], re.DOTALL)
        assert tile is not None
        assert f">{now:,.0f}</strong>" in tile.group()
        assert f"from {before:,.0f}</small>" in tile.group()
    tables = {account: _table_after(html, "How many saves did each day gain?") for account, html in articles.items()}
    for account, day, gain in gains:
        written = f"{day.day} {day:%b %Y}"
        assert tables[account][written] == f"{gain + first_sights.get((account, day), 0):,}"


def _table_after(html: str, question: str) -> dict[str, str]:
    """Return the second cell by the first cell of each row of the table below a question."""
    part = html.partition(question)[2].partition("</table>")[0]
    rows = re.findall(
        r"<tr><th scope=\"row\"[^>]*><bdi>(.*?)</bdi></th>\s*<td[^>]*><bdi>(.*?)</bdi></td>", part, re.DOTALL
    )
    return dict(rows)


@pytest.mark.slow
def test_file_of_another_destination_gives_the_same_page(tmp_path: Path) -> None:
    synced, other = tmp_path / "synced", tmp_path / "other"
    for folder in (synced, other):
        folder.mkdir()
    database = make_history(synced / "history.duckdb", days=8, pins=3)
    as_other_destination(database, other / "history.duckdb")
    # the headers differ, because the other file has no runs
    accounts = [html.partition("<main>")[2] for html in (report(synced), report(other))]
    assert accounts[0] == accounts[1]


def test_unwritable_output_is_an_error(tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb", days=1)
    with pytest.raises(UserError, match="is a folder"):
        write_report(database, tmp_path)


@pytest.mark.slow
def test_every_chart_has_a_table_with_its_numbers(tmp_path: Path) -> None:
    make_long_history(tmp_path / "history.duckdb")
    answers = report(tmp_path).split('<div class="answer">')[1:]
    drawn = [answer for answer in answers if 'class="chart"' in answer]
    assert len(drawn) >= 25
    assert [answer[:100] for answer in drawn if "<td" not in answer] == []


def test_every_chart_gray_has_a_dark_mode_color() -> None:
    root = Path(__file__).resolve().parents[2] / "analysis" / "oneup_pinterest"
    style = (root / "report" / "template" / "page.css").read_text(encoding="utf-8")
    charts = "".join(path.read_text(encoding="utf-8") for path in (root / "questions").rglob("*chart*.py"))
    grays = {
        c for c in re.findall(r"#[0-9A-F]{6}", charts) if max(bytes.fromhex(c[1:])) - min(bytes.fromhex(c[1:])) < 16
    }
    assert len(grays) >= 4
    assert {gray for gray in grays if f'="{gray}"' not in style} == set()
