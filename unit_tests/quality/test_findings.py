"""Findings: each check finds what it looks for, and is silent where there is nothing."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.gains import daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.checks.api_windows import pins_against_totals
from oneup_pinterest.quality.checks.context import CheckContext, Finding
from oneup_pinterest.quality.checks.duplicate_images import duplicate_image_groups
from oneup_pinterest.quality.checks.snapshots import snapshot_coverage
from oneup_pinterest.quality.findings import OF_AN_ACCOUNT, OF_THE_FILE, findings, findings_frame, grouped
from oneup_pinterest.quality.status import load_facts
from oneup_pinterest.questions.followers.statistic import follower_changes
from simulations.worlds import MadeUpHistory
from unit_tests.factories.history import NOW, make_history

FIRST = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def relation(name: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TABLES[name].schema)


def pin(number: int, day: int, impressions: int = 100, **others: Any) -> dict[str, Any]:
    """One pin as seen on a day, in the window of the 30 days before it."""
    on = FIRST + timedelta(days=day)
    return {
        "social_network_id": "pin_a",
        "id": f"{number}",
        "timestamp": datetime(2026, 2, 20, 9),
        "snapshot_date": on,
        "period_start": on - timedelta(days=30),
        "period_end": on - timedelta(days=1),
        "impressions": impressions,
        "saves": 0,
        "comments": 0,
        "repins": 0,
        "clicks": 0,
        "media_url": f"{number}.jpg",
        "permalink": f"https://www.pinterest.com/pin/{number}/",
        **others,
    }


def metric(key: str, now: float, end: int = 0, *, days: int = 30, synced: int | None = None, **others: Any) -> Any:
    """One metric of the period of so many days that ends on a day."""
    on = FIRST + timedelta(days=end)
    return {
        "social_network_id": "pin_a",
        "key": key,
        "period_start": on - timedelta(days=days - 1),
        "period_end": on,
        "value_current_period": now,
        "value_last_period": now,
        "_airbyte_extracted_at": datetime(2026, 3, 1) + timedelta(days=end + 1 if synced is None else synced),
        **others,
    }


def facts(
    pins: Sequence[dict[str, Any]] = (),
    overview: Sequence[dict[str, Any]] = (),
    totals: Sequence[dict[str, Any]] = (),
    followers: Sequence[dict[str, Any]] = (),
) -> CheckContext:
    return CheckContext(
        LoadedHistory(
            relation("pins", pins),
            followers=relation("account_followers", followers),
            overview=relation("overview_metrics", overview),
            pin_totals=relation("pin_totals", totals),
        ),
        relation("_sync_runs", ()),
        None,
        NOW,
    )


def found(these: CheckContext) -> dict[str, Finding]:
    return {finding["check"]: finding for finding in findings(these)}


def test_findings_as_a_frame_have_the_same_columns_when_there_are_none(tmp_path: Path) -> None:
    some = findings_frame(findings(load_facts(make_history(tmp_path / "h.duckdb", missing_days=(3,)))))
    assert some.schema == findings_frame([]).schema
    assert some.select("check", "severity", "where", "since").row(0) == (
        "days_without_snapshot",
        "warning",
        "pin_one",
        date(2026, 3, 15),
    )


def test_checks_of_each_account_apart_find_what_all_checks_find_together(tmp_path: Path) -> None:
    facts = load_facts(make_history(tmp_path / "h.duckdb", missing_days=(3,), reset_on=5, days=12))
    apart = findings(facts, OF_THE_FILE)
    for account in facts.pins["social_network_id"].unique():
        is_mine = pl.col("social_network_id") == account
        history = LoadedHistory(facts.pins.filter(is_mine), followers=facts.followers.filter(is_mine))
        apart += findings(facts.of(history), OF_AN_ACCOUNT)
    assert {"counters_reset", "days_without_snapshot"} <= {item["check"] for item in apart}
    assert sorted(map(str, apart)) == sorted(map(str, findings(facts)))


def test_three_accounts_are_named_and_more_are_counted() -> None:
    finding = {"check": "x", "severity": "info", "since": None, "what": "So.", "what_to_do": "Nothing."}
    of = [[{**finding, "where": f"pin_{number}"} for number in range(accounts)] for accounts in (3, 4)]
    assert grouped(of[0]) == of[0]
    assert [item["where"] for item in grouped(of[1])] == ["all"]


def test_coverage_tells_a_sync_without_pins_from_no_sync() -> None:
    followers = relation(
        "account_followers",
        [{"social_network_id": "pin_a", "snapshot_date": FIRST + timedelta(days=day)} for day in (0, 1, 3)],
    )
    coverage = snapshot_coverage(relation("pins", [pin(1, 1), pin(2, 1)]), followers)
    assert coverage["pins"].to_list() == [0, 2, None, 0]
    assert coverage["is_synced"].to_list() == [True, True, False, True]


def test_zeros_after_figures_are_found_and_zeros_from_the_start_are_not() -> None:
    pins = [pin(number, day, 0 if day == 2 else 50) for number in range(3) for day in range(4)]
    zero = found(facts(pins))["all_zero"]
    assert (zero["severity"], zero["since"]) == ("error", "2026-03-03")
    assert "On 1 day, the last of them 3 Mar 2026, every counter of every pin was 0" in zero["what"]
    overview = [metric(key, 0 if end == 2 else 9, end) for key in ("saves", "clicks") for end in range(3)]
    assert "every total of the account was 0" in found(facts(overview=overview))["all_zero"]["what"]
    new = [metric("saves", end, end) for end in range(3)]
    assert "all_zero" not in found(facts([pin(1, 0, 0), pin(2, 0, 0), pin(3, 0, 0)], new))


def test_restated_counters_are_a_note_unless_most_fell() -> None:
    def history(falling: int) -> list[dict[str, Any]]:
        return [
            pin(number, day, 1000 + 20 * day - (35 if number < falling and day >= 9 else 0))
            for number in range(10)
            for day in range(20)
        ]

    few, most = (found(facts(history(falling)))["counters_restated"] for falling in (3, 8))
    assert (few["severity"], few["since"]) == ("info", "2026-03-10")
    assert "The counters of impressions of many pins fell at one sync" in few["what"]
    assert most["severity"] == "warning"
    assert "of most pins" in most["what"]
    assert "counters_restated" not in found(facts(history(0)))


def test_single_resets_are_a_note() -> None:
    pins = [pin(number, day, 500 + day - 500 * (number == 0 and day >= 6)) for number in range(5) for day in range(12)]
    assert found(facts(pins))["pins_reset"]["since"] == "2026-03-07"
    assert "Counters of 1 pin began anew" in found(facts(pins))["pins_reset"]["what"]


def test_twins_share_an_image_a_link_and_every_count() -> None:
    def twin(number: int, day: int, link: str, **others: Any) -> dict[str, Any]:
        return {**pin(number, day, 50 + day, media_url="one.jpg", permalink=link, saves=day), **others}

    shop = "https://shop.example/a"
    pairs = [
        twin(1, 0, shop),
        twin(1, 1, shop),
        twin(2, 0, shop),
        twin(2, 1, shop),  # twins
        twin(3, 0, "https://shop.example/b"),
        twin(3, 1, "https://shop.example/b"),  # leads elsewhere
        twin(4, 0, shop),
        twin(4, 1, shop, saves=9),  # once another count
        twin(5, 1, shop, impressions=3),
        twin(6, 1, shop, impressions=3),  # too few to tell
    ]
    assert duplicate_image_groups(LoadedHistory(relation("pins", pairs))).rows() == [("pin_a", "1", 2, 2, 51)]
    finding = found(facts(pairs))["twin_pins"]
    assert finding["severity"] == "warning"
    assert "2 pins share 1 image" in finding["what"]


def test_twins_need_not_have_been_seen_on_the_same_days() -> None:
    pins = [pin(1, 0, media_url="x"), pin(1, 1, 120, media_url="x"), pin(2, 1, 120, media_url="x")]
    assert duplicate_image_groups(LoadedHistory(relation("pins", pins))).rows() == [("pin_a", "1", 2, 1, 120)]


def test_links_to_the_pin_itself_do_not_tell_twins_apart() -> None:
    assert (
        duplicate_image_groups(
            LoadedHistory(relation("pins", [pin(1, 0, media_url="x"), pin(2, 0, media_url="x")]))
        ).height
        == 1
    )


def test_sums_over_pins_are_set_against_the_totals_of_the_same_answer() -> None:
    window: dict[str, Any] = {"period_start": FIRST - timedelta(days=30), "period_end": FIRST - timedelta(days=1)}
    totals = [metric("impressions", 300, **window), metric("posts", 3, **window)]
    these = facts([pin(1, 0, 100), pin(2, 0, 140)], totals=totals)
    both = pins_against_totals(these.history)
    assert both.select("key", "total", "pins_sum").rows() == [("impressions", 300.0, 240.0), ("posts", 3.0, 2.0)]
    assert "Over pins, impressions come to 80% of the total" in found(these)["sums_differ"]["what"]
    assert "2 pins and 3 posts" in found(these)["missing_pins"]["what"]
    agreeing = facts([pin(1, 0, 100), pin(2, 0, 200)], totals=[totals[0], metric("posts", 2, **window)])
    assert not {"sums_differ", "missing_pins"} & set(found(agreeing))


@pytest.mark.parametrize(("posts", "is_found"), [(3, False), (4, True), (2, True)])
def test_posts_of_the_overview_are_set_against_the_pins_published_then(posts: int, is_found: bool) -> None:
    pins = [pin(number, 0) for number in range(3)]
    assert ("posts_differ" in found(facts(pins, [metric("posts", posts, end=-1, days=14)]))) is is_found


def test_zeros_from_before_what_pinterest_keeps_are_found_where_figures_begin_then() -> None:
    old = [metric("saves", 0 if end < -90 else 7, end, days=7, synced=0) for end in range(-119, -28, 7)]
    old = [{**row, "preset": "last_7_days"} for row in old]
    assert "5 periods as a whole" in found(facts(overview=old))["older_than_kept"]["what"]
    never = [{**row, "value_current_period": 0, "value_last_period": 0} for row in old]
    always = [{**row, "value_current_period": 7, "value_last_period": 7} for row in old]
    assert "older_than_kept" not in found(facts(overview=never))
    assert "older_than_kept" not in found(facts(overview=always))


def test_the_empty_period_before_the_last_90_days_is_found() -> None:
    rows = [metric("saves", 40, end, days=90, preset="last_90_days", value_last_period=0) for end in range(3)]
    assert "the period before, of 3 periods" in found(facts(overview=rows))["older_than_kept"]["what"]


def test_duplicate_keys_and_pins_without_a_date_are_found() -> None:
    assert found(facts([pin(1, 0), pin(1, 0)]))["duplicate_keys"]["severity"] == "error"
    assert "duplicate_keys" not in found(facts([pin(1, 0), pin(1, 1)]))
    undated = found(facts([pin(1, 0, timestamp=None), pin(2, 0)]))["pins_without_date"]
    assert (undated["severity"], undated["what"]) == ("warning", "1 of 2 pins have no time of publication.")


@pytest.mark.parametrize("options", [{"days": 0}, {"days": 1}, {"days": 2, "pins": 1}, {"pins": 0, "days": 3}, {}])
def test_whole_histories_of_any_size_have_no_findings(tmp_path: Path, options: dict[str, int]) -> None:
    assert findings(load_facts(make_history(tmp_path / "h.duckdb", **options))) == []  # type: ignore[arg-type]


def test_a_file_without_most_relations_has_none_either(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "h.duckdb") as connection:
        connection.execute("CREATE TABLE pins AS SELECT 'pin_a' AS social_network_id, '1' AS id")
    missing = findings(load_facts(tmp_path / "h.duckdb"))
    assert {finding["check"] for finding in missing} == {"missing_columns", "pins_without_date"}


def test_a_rise_that_was_taken_back_is_a_note_with_the_pin() -> None:
    rows = [pin(1, day, count) for day, count in enumerate((100, 101, 102, 900_000, 104, 105))]
    told = found(facts(rows))
    assert told["counters_taken_back"]["severity"] == "info"
    assert told["counters_taken_back"]["what"] == (
        "The counters of impressions of 1 pin rose on 1 day and fell back to where they had been; the highest was "
        "900,000 impressions of pin 1 on 4 Mar 2026."
    )
    assert not {"unconfirmed_gains", "pins_reset", "counters_reset"} & set(told)


def test_a_rise_that_may_be_taken_back_names_the_pin() -> None:
    rows = [pin(1, day, count) for day, count in enumerate((100, 101, 102, 900_000))]
    unconfirmed = found(facts(rows))["unconfirmed_gains"]
    assert (unconfirmed["severity"], unconfirmed["since"]) == ("warning", "2026-03-04")
    assert unconfirmed["what"] == (
        "Gains far beyond all that this account has shown are not confirmed yet: "
        "pin 1 (+899,898 impressions on 4 Mar 2026)."
    )


def test_counts_that_cannot_be_are_an_error_with_an_example() -> None:
    for day_three in ({"saves": -5}, {"impressions": 2**60}, {"clicks": 9_000}):
        rows = [pin(1, day, 100 + day) for day in (0, 1)] + [{**pin(1, 2, 102), **day_three}]
        impossible = found(facts(rows))["impossible_counters"]
        ((metric, value),) = day_three.items()
        assert impossible["severity"] == "error"
        assert f"{value:,} {metric} of pin 1 on 3 Mar 2026" in impossible["what"]


def test_a_list_of_50_is_no_cap_where_a_longer_one_or_the_posts_say_so() -> None:
    fifty = [pin(number, 0) for number in range(50)]
    assert "possible_cap" in found(facts(fifty))
    assert "possible_cap" not in found(facts([*fifty, *(pin(number, 1) for number in range(53))]))
    window = {"period_start": FIRST - timedelta(days=30), "period_end": FIRST - timedelta(days=1)}
    assert "possible_cap" not in found(facts(fifty, totals=[metric("posts", 50, **window)]))
    assert "possible_cap" in found(facts(fifty, totals=[metric("posts", 53, **window)]))


def synced_at(*moments: tuple[int, int, int]) -> list[dict[str, Any]]:
    """One pin that gains 10 at each sync: day of the snapshot, and day and hour (UTC) of the extraction."""
    return [
        pin(1, day, 100 + 10 * number, _airbyte_extracted_at=datetime(2026, 3, 1) + timedelta(days=utc_day, hours=hour))
        for number, (day, utc_day, hour) in enumerate(moments)
    ]


@pytest.mark.parametrize(
    ("moments", "what"),
    [
        # UTC, then Tokyo, at 20:00 UTC: the day after the change is never seen
        (
            ((0, 0, 20), (1, 1, 20), (3, 2, 20), (4, 3, 20)),
            "From the snapshot of 2 Mar 2026 to that of 4 Mar 2026 2 days passed in the file, but 24 hours",
        ),
        # Tokyo, then UTC: a day's snapshot is overwritten, and two days look like one
        (
            ((0, -1, 20), (1, 0, 20), (2, 2, 20), (3, 3, 20)),
            "From the snapshot of 2 Mar 2026 to that of 3 Mar 2026 1 day passed in the file, but 48 hours",
        ),
        # UTC, then Tokyo an hour later: one day is seen twice
        (
            ((0, 0, 20), (1, 1, 20), (2, 1, 21), (3, 2, 20)),
            "From the snapshot of 2 Mar 2026 to that of 3 Mar 2026 1 day passed in the file, but 1 hour between",
        ),
    ],
)
def test_a_change_of_zone_is_told_and_its_gain_is_no_normal_day(
    moments: tuple[tuple[int, int, int], ...], what: str
) -> None:
    these = facts(synced_at(*moments))
    told = found(these)
    assert told["zone_changed"]["what"].startswith(what)
    assert "days_without_snapshot" not in told
    gains = daily_gains(LoadedHistory(these.pins), ["impressions"])
    days = (moments[2][0] - moments[1][0], 10 / (moments[2][0] - moments[1][0]))
    assert gains["is_imputed"].to_list() == [False, *[True] * days[0], False]
    assert gains["gain"].to_list() == [10.0, *[days[1]] * days[0], 10.0]


@pytest.mark.parametrize(
    "moments",
    [
        ((0, 0, 8), (1, 1, 23), (2, 2, 0), (3, 3, 12), (4, 4, 23)),  # UTC, at any hour
        ((1, 0, 16), (1, 1, 8), (2, 2, 13), (4, 3, 16), (4, 4, 1), (6, 5, 15)),  # Tokyo, at any hour
        ((0, 50, 8), (1, 50, 8), (2, 50, 8)),  # copied by other means
        ((0, 0, 8), (5, 5, 23), (6, 6, 1)),  # a gap
    ],
)
def test_syncs_at_different_hours_of_one_zone_are_no_change_of_zone(moments: tuple[tuple[int, int, int], ...]) -> None:
    assert "zone_changed" not in found(facts(synced_at(*{one[0]: one for one in moments}.values())))


def cron(hour: int, *days: int, zone: str) -> list[tuple[int, int, int]]:
    """Syncs at the same hour (UTC) of days after 1 March 2026, with the day that each has in a zone."""
    moments = [datetime(2026, 3, 1, hour, 30, tzinfo=UTC) + timedelta(days=day) for day in days]
    return [
        ((moment.astimezone(ZoneInfo(zone)).date() - FIRST).days, day, hour)
        for moment, day in zip(moments, days, strict=True)
    ]


@pytest.mark.parametrize(
    ("moments", "is_imputed"),
    [
        # summer time begins on 29 March 2026: 23:30 in Berlin becomes 00:30 of the day after
        (cron(22, *range(20, 40), zone="Europe/Berlin"), 2),
        # it ends on 25 October: a day's snapshot is overwritten, and two days look like one
        (cron(22, *range(230, 250), zone="Europe/Berlin"), 1),
        (cron(4, *range(0, 20), zone="America/New_York"), 2),  # it begins on 8 March
        (cron(22, *range(20, 270), zone="Europe/Berlin"), 3),  # both
    ],
)
def test_a_clock_that_goes_over_to_summer_time_is_no_change_of_the_config(
    moments: list[tuple[int, int, int]], is_imputed: int
) -> None:
    rows = synced_at(*{one[0]: one for one in moments}.values())
    told = found(facts(rows))
    assert "zone_changed" not in told
    assert (told["clock_changed"]["severity"], told["clock_changed"]["where"]) == ("info", "pin_a")
    assert "between summer and winter time" in told["clock_changed"]["what"]
    assert daily_gains(LoadedHistory(relation("pins", rows)), ["impressions"])["is_imputed"].sum() == is_imputed


def test_a_change_of_the_config_on_another_day_is_not_put_down_to_summer_time() -> None:
    before, after = cron(22, *range(0, 10), zone="UTC"), cron(22, *range(10, 20), zone="Europe/Berlin")
    both = [*before, *[(day + 1, utc, hour) for day, utc, hour in after]]  # 23:30 would be the same day
    told = found(facts(synced_at(*both)))
    assert "clock_changed" not in told
    assert "zone_changed" in told


def test_followers_of_a_day_that_moved_with_the_zone_are_imputed_and_reported() -> None:
    moments = ((0, 0, 20), (1, 1, 20), (2, 1, 21), (3, 2, 20))
    rows = [
        {
            "social_network_id": "pin_a",
            "snapshot_date": FIRST + timedelta(days=day),
            "total_followers": 100 + number,
            "_airbyte_extracted_at": datetime(2026, 3, 1) + timedelta(days=utc_day, hours=hour),
        }
        for number, (day, utc_day, hour) in enumerate(moments)
    ]
    these = facts(followers=rows)
    assert "1 day passed in the file, but 1 hour between" in found(these)["zone_changed"]["what"]
    changes = follower_changes(MadeUpHistory(followers=these.followers))
    assert changes.select("change", "is_imputed").rows() == [(1.0, False), (1.0, True), (1.0, False)]
    both = facts(synced_at(*moments), followers=rows)
    assert [finding["check"] for finding in findings(both)].count("zone_changed") == 1
