"""Write how each account changed to a Parquet file, on a Ray cluster: python changes_on_ray.py DATABASE FILE"""

import os
import sys

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray tells its makers about each cluster otherwise

import polars as pl
import ray

import oneup_pinterest as op

BUCKETS = 64  # more than workers, so that little is computed again if one is lost
ONE_CORE = {"env_vars": {"OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}}


@ray.remote(num_cpus=1, max_retries=3, runtime_env=ONE_CORE)
def changes(database: str, accounts: list[str]) -> pl.DataFrame:
    """Return the changes of a bucket of accounts; every node must reach the database."""
    return op.account_changes(database, accounts)


def main(database: str, output: str) -> None:
    """Compute the accounts bucket by bucket, and write all rows."""
    accounts = op.load_accounts(database)["social_network_id"].to_list()
    buckets = [accounts[number::BUCKETS] for number in range(BUCKETS)]
    frames = ray.get([changes.remote(database, bucket) for bucket in buckets if bucket])
    pl.concat(frames).sort("social_network_id", maintain_order=True).write_parquet(output)


if __name__ == "__main__":
    ray.init()  # the cluster of RAY_ADDRESS, or one on this machine
    main(*sys.argv[1:])
