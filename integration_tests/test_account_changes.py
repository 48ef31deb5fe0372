"""The changes of all accounts are the same in one process and in several, whatever the buckets."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import oneup_pinterest as op
from oneup_pinterest.history.account_history import load_account_histories
from oneup_pinterest.history.period_change import CHANGE, account_change
from test_support.history import make_history
from test_support.paths import ROOT

ACCOUNTS = [f"pin_{number}" for number in range(5)]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("many") / "h.duckdb", ACCOUNTS, days=70, pins=8)


def test_rows_are_those_of_each_account_alone(many: Path) -> None:
    changes = op.account_changes(many)

    alone = [account_change(history) for history in load_account_histories(many)]
    assert_frame_equal(changes, pl.concat(alone).sort("social_network_id", maintain_order=True))
    assert changes["social_network_id"].unique().sort().to_list() == ACCOUNTS
    assert changes.filter(pl.col("metric") == "saves")["change"].null_count() == 0, "nothing was compared"


@pytest.mark.parametrize("count", [2, 5])
def test_buckets_together_are_all_accounts(many: Path, count: int) -> None:
    buckets = [op.account_changes(many, ACCOUNTS[number::count]) for number in range(count)]

    assert_frame_equal(pl.concat(buckets).sort("social_network_id", maintain_order=True), op.account_changes(many))


def test_days_and_metrics_are_those_of_account_change(many: Path) -> None:
    changes = op.account_changes(many, "pin_1", days=7, metrics=["impressions"])

    assert changes.select("social_network_id", "metric", "days").rows() == [("pin_1", "impressions", 7)]


def test_no_accounts_give_a_frame_without_rows(many: Path) -> None:
    changes = op.account_changes(many, [])

    assert changes.schema == pl.Schema({"social_network_id": pl.String(), **CHANGE})
    assert changes.is_empty()


def test_unknown_account_is_an_error(many: Path) -> None:
    with pytest.raises(op.UserError, match="pin_unknown is not in this database"):
        op.account_changes(many, ["pin_1", "pin_unknown"])


def test_recipe_with_several_processes_writes_the_same(many: Path, tmp_path: Path) -> None:
    recipe = ROOT / "docs" / "recipes" / "changes_in_processes.py"

    subprocess.run([sys.executable, recipe, many, tmp_path / "changes.parquet"], check=True, timeout=300)

    assert_frame_equal(pl.read_parquet(tmp_path / "changes.parquet"), op.account_changes(many))
