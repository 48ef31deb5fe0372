"""The views for BI have the same numbers as the Polars functions, on histories with every fault."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import oneup_pinterest.history.counter_types
import oneup_pinterest.history.gains
import oneup_pinterest.history.glitches
import oneup_pinterest.history.observations
import oneup_pinterest.history.pin_rates
import oneup_pinterest.questions.followers.statistic
from oneup_pinterest.database._arrow import to_polars
from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.bi.statements import MAX_IMPRESSIONS, RATES, THRESHOLDS
from oneup_pinterest.database.query import run_query
from oneup_pinterest.history.account_history import AccountHistory, load_account_histories
from oneup_pinterest.history.accounts import account_names
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.latest import latest_counters
from oneup_pinterest.history.observations import METRICS
from oneup_pinterest.history.pin_rates import pin_rates
from oneup_pinterest.questions.followers.statistic import follower_changes
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.faulty_pins import faulty_pins
from test_support.history import make_history, make_long_history
from test_support.made_pins import VARIANTS, steady
from test_support.stream_schemas import SCHEMAS
from test_support.two_tables import as_synced, copied_as_synced

USABLE_TYPE = pl.col("counter_type").is_in(USABLE).fill_null(value=False)

DAILY_VARIANTS = ("reset",)  # the others in the slow tests


def view(database: Path, name: str) -> pl.DataFrame:
    with duckdb.connect(database, read_only=True) as connection:
        return to_polars(connection.sql(f"FROM {name} ORDER BY ALL"))


def assert_same(view: pl.DataFrame, expected: pl.DataFrame, key: list[str]) -> None:
    """Compare the columns of the expected frame; rows in any order."""
    assert view.height == expected.height
    assert_frame_equal(view.select(expected.columns).sort(key), expected.sort(key), check_dtypes=False)


def assert_views_equal_polars(database: Path) -> None:
    """Compare every view with the functions that the report uses."""
    histories = [history for history in load_account_histories(database) if history.pins.height]
    assert_same(view(database, "pin_daily_gains"), all_of(pin_gains, histories), ["id", "metric", "day"])
    daily = view(database, "account_daily")
    assert_same(daily, all_of(account_days, histories), ["social_network_id", "day"])
    assert_same(view(database, "account_weekly"), weeks(daily), ["social_network_id", "week"])
    assert_same(view(database, "pin_performance"), all_of(performance, histories), ["social_network_id", "id"])
    seen = [follower_changes(history).filter(pl.col("followers").is_not_null()) for history in histories]
    for changes in seen:
        shared = changes.join(daily, on=["social_network_id", "day"], suffix="_of_view")
        assert shared["followers"].to_list() == shared["followers_of_view"].to_list()


def all_of(of_account: Callable[[AccountHistory], pl.DataFrame], histories: Sequence[AccountHistory]) -> pl.DataFrame:
    """Return the rows of all accounts; of no account, the columns."""
    empty = of_account(AccountHistory.from_pins(faulty_pins(0, accounts=1))).clear()
    return pl.concat([empty, *map(of_account, histories)])


def pin_gains(history: AccountHistory) -> pl.DataFrame:
    types = history.counter_types.select("social_network_id", "metric", "counter_type")
    return (
        history.daily_gains()
        .join(types, on=["social_network_id", "metric"], how="left")
        .with_columns(gain=pl.when(USABLE_TYPE).then("gain"))
        .rename({"is_imputed": "is_spread"})
    )


def account_days(history: AccountHistory) -> pl.DataFrame:
    key = ["social_network_id", "day"]
    gains = history.account_gains.with_columns(gain=pl.when(USABLE_TYPE).then("gain"))
    published = (
        history.latest_pins.select(day=pl.col("timestamp").dt.date()).group_by("day").agg(pins_published=pl.len())
    )
    return (
        gains.group_by(key)
        .agg(
            *(pl.col("gain").filter(pl.col("metric") == metric).first().alias(metric) for metric in METRICS),
            pl.col("pins_observed").max(),
            pl.col("pins_fallen").max(),
            is_spread=pl.col("is_imputed").any(),
            is_provisional=pl.col("is_provisional").any(),
        )
        .join(published, on="day", how="left")
        .with_columns(
            pl.col("pins_published").fill_null(0),
            account_name=pl.lit(account_names(history.accounts).get(history.social_network_id), pl.String),
        )
    )


def weeks(daily: pl.DataFrame) -> pl.DataFrame:
    return daily.group_by("social_network_id", week=pl.col("day").dt.truncate("1w")).agg(
        *(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in METRICS),
        pl.col("pins_published").sum(),
        days=pl.len(),
        days_known=pl.col("impressions").count(),
        is_provisional=pl.col("is_provisional").any(),
    )


def performance(history: AccountHistory) -> pl.DataFrame:
    found = latest_counters(history, METRICS).select(
        "social_network_id",
        "id",
        "text",
        "permalink",
        *METRICS,
        "is_earlier",
        "is_unconfirmed",
        published="timestamp",
        last_seen="snapshot_date",
        counter_type=pl.lit(history.counter_type("impressions"), pl.String),
    )
    for metric in RATES:
        rates = pin_rates(history, metric).select("id", pl.col("raw").alias(f"{metric}_rate"))
        found = found.join(rates, on="id", how="left")
    return found


@pytest.mark.parametrize(
    "variant",
    [name if name in DAILY_VARIANTS else pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS],
)
def test_views_have_the_numbers_of_polars_on_made_histories(tmp_path: Path, variant: str) -> None:
    flat = make_history(tmp_path / "flat.duckdb", **VARIANTS[variant])

    assert_views_equal_polars(copied_as_synced(flat, tmp_path / "synced.duckdb"))


@pytest.mark.slow
def test_views_have_the_numbers_of_polars_on_months(tmp_path: Path) -> None:
    flat = make_long_history(tmp_path / "flat.duckdb")

    assert_views_equal_polars(copied_as_synced(flat, tmp_path / "synced.duckdb"))


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.nightly) for n in range(1, 300))])
def test_views_have_the_numbers_of_polars_on_faulty_histories(tmp_path: Path, seed: int) -> None:
    assert_views_equal_polars(as_synced(tmp_path / "synced.duckdb", pins=faulty_pins(seed)))


@pytest.mark.slow
def test_faulty_histories_have_every_fault() -> None:
    histories = [
        AccountHistory.from_pins(part)
        for seed in range(10)
        for part in faulty_pins(seed).partition_by("social_network_id")
    ]

    reasons = {
        reason
        for history in histories
        for left_out in history.observations.left_out.values()
        for reason in left_out["reason"]
    }
    gains = pl.concat([pin_gains(history) for history in histories])
    assert reasons == {"impossible", "empty", "dropped", "spike", "dip"}
    assert set(gains["fall"].drop_nulls()) == {"restatement", "reset", "fall"}
    assert set(gains["counter_type"].drop_nulls()) == {"lifetime", "restated", "rolling"}
    assert gains.select(pl.col("is_spread", "is_new", "is_unconfirmed").any()).row(0) == (True, True, True)


def test_a_renamed_account_is_one_account_in_the_views(tmp_path: Path) -> None:
    old, new = "pin_old", "pin_new"
    before = pl.concat([steady(f"p{number}", number, 3 + number) for number in range(6)]).with_columns(
        social_network_id=pl.lit(old)
    )
    last = before["snapshot_date"].max()
    after = before.filter(pl.col("snapshot_date") == last).with_columns(
        pl.lit(new).alias("social_network_id"),
        pl.col("saves") + 5,
        pl.col("snapshot_date") + timedelta(days=1),
    )
    after = pl.concat([after, after.with_columns(pl.col("snapshot_date") + timedelta(days=1), pl.col("saves") + 4)])
    database = as_synced(tmp_path / "history.duckdb", pins=before)
    as_synced(database, pins=after)

    assert set(view(database, "account_daily")["social_network_id"]) == {new}
    assert view(database, "pin_daily_gains")["is_new"].any()
    assert_views_equal_polars(database)
    for name in BI_VIEWS:
        assert run_query(database, f"FROM {name}").height == view(database, name).height > 0


def test_thresholds_are_those_of_the_polars_functions() -> None:
    modules = (
        oneup_pinterest.history.counter_types,
        oneup_pinterest.history.gains,
        oneup_pinterest.history.glitches,
        oneup_pinterest.history.observations,
        oneup_pinterest.questions.followers.statistic,
    )
    found = {
        name: value
        for name in THRESHOLDS
        for module in modules
        for value in [getattr(module, name, getattr(module, f"_{name}", None))]
        if value is not None
    }

    assert found == dict(THRESHOLDS)
    assert oneup_pinterest.history.pin_rates._MAX_IMPRESSIONS == MAX_IMPRESSIONS
    assert oneup_pinterest.history.counter_types._AGES == (0, 30, 90)


def test_every_table_view_and_column_has_a_comment(tmp_path: Path) -> None:
    database = tmp_path / "history.duckdb"
    with DatabaseWriter(database) as writer:
        writer.prepare(SCHEMAS)
        writer.write("accounts", [{"social_network_id": "pin_a", "likes": 3}])
        writer.write("pins", [{"social_network_id": "pin_a", "id": "1", "snapshot_date": "2026-03-01", "likes": 3}])
        writer.commit()
        writer.start_run()
        writer.finish_run("done", {}, [], 1, 1.0, None)

    with duckdb.connect(database, read_only=True) as connection:
        without = connection.sql(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL UNION ALL "
            "SELECT table_name, NULL FROM duckdb_tables() WHERE comment IS NULL UNION ALL "
            "SELECT view_name, NULL FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
        ).fetchall()
        views = dict(
            connection.sql(
                "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() GROUP BY ALL"
            ).fetchall()
        )
    assert without == []
    assert {name: views[name] for name in BI_VIEWS} == {name: list(columns) for name, (_, columns) in BI_VIEWS.items()}


def test_views_are_made_once_and_again_after_another_version(tmp_path: Path) -> None:
    database = as_synced(tmp_path / "history.duckdb", pins=faulty_pins(0))
    made = "SELECT view_name, view_oid FROM duckdb_views() WHERE NOT internal ORDER BY view_name"

    def rows(query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(database) as connection:
            return connection.sql(query).fetchall()

    first, days = rows(made), rows("FROM account_daily ORDER BY ALL")
    as_synced(database, pins=faulty_pins(0))
    assert rows(made) == first

    with duckdb.connect(database) as connection:
        connection.execute("CREATE OR REPLACE VIEW account_daily AS SELECT 1 AS impressions")
        connection.execute("COMMENT ON VIEW account_daily IS 'Of an older version. Version: 0123456789ab.'")
    as_synced(database, pins=faulty_pins(0))
    assert rows("FROM account_daily ORDER BY ALL") == days


def test_a_table_of_another_shape_is_not_read(tmp_path: Path) -> None:
    database = tmp_path / "history.duckdb"
    with duckdb.connect(database) as connection:
        connection.execute("CREATE TABLE account_followers (social_network_id VARCHAR, total_followers VARCHAR)")
        connection.execute("CREATE TABLE accounts (username VARCHAR)")

    as_synced(database, pins=faulty_pins(0))

    daily = view(database, "account_daily")
    assert daily.height > 0
    assert daily["followers"].null_count() == daily["account_name"].null_count() == daily.height


@pytest.mark.slow
def test_views_work_in_a_database_attached_under_another_name(tmp_path: Path) -> None:
    database = as_synced(tmp_path / "history.duckdb", pins=faulty_pins(0))

    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{database}' AS oneup (READ_ONLY)")
        counts = [connection.sql(f"SELECT count(*) FROM oneup.{name}").fetchall()[0][0] for name in BI_VIEWS]
    assert all(counts)
