"""Write how each account changed to a Parquet file, a process per core: python changes_in_processes.py DATABASE FILE"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a core per process is enough
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

import oneup_pinterest as op

BUCKETS = 64


def main(database: str, output: str) -> None:
    """Compute the accounts bucket by bucket, and write all rows."""
    accounts = op.load_accounts(database)["social_network_id"].to_list()
    buckets = [accounts[number::BUCKETS] for number in range(BUCKETS)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:  # Polars cannot be forked
        frames = pool.map(op.account_changes, repeat(database), filter(None, buckets))
        pl.concat(frames).sort("social_network_id", maintain_order=True).write_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
