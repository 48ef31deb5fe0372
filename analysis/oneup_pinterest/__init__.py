"""Everything after the records: sync into DuckDB, queries, statistics, charts and the report."""
