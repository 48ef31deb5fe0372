-- Each credible observation with the one before it, as `history.observations.consecutive_observations` returns them.
tops AS (
    SELECT *, max(value) OVER (PARTITION BY metric, pin, segment ORDER BY day) AS top
    FROM (
        SELECT
            *,
            count(*) FILTER (WHERE fall IN ('reset', 'fall')) OVER pin_days AS segment,
            first_value(day) OVER (
                pin_days ROWS BETWEEN {MAX_SPIKE_OBSERVATIONS} FOLLOWING AND {MAX_SPIKE_OBSERVATIONS} FOLLOWING
            ) IS NULL AS is_late
        FROM steps_{n}
        WINDOW pin_days AS (PARTITION BY metric, pin ORDER BY day)
    )
),
together AS (
    SELECT
        metric, account, pin, day, published, can_be_new, value, before, before_on, is_late, is_recent, fall, top,
        lag(top) OVER (PARTITION BY metric, pin ORDER BY day) AS top_before
    FROM tops
    UNION ALL
    SELECT
        metric, account, pin, day, published, can_be_new, value, before, before_on, is_late, false,
        CASE WHEN before > 0 AND all_were_reset THEN 'reset' END, value, before
    FROM paired
    ANTI JOIN falling USING (metric, pin)
    LEFT JOIN crowds_{n} USING (metric, account, day)
),
per_day AS MATERIALIZED (
    SELECT
        *,
        can_be_new AND before_on IS NULL AS is_new,
        CASE
            WHEN can_be_new AND before_on IS NULL THEN value / greatest(day - published, 1)
            WHEN fall IS NULL THEN (value - top_before) / greatest(day - before_on, 1)
        END AS per_day
    FROM together
),
largest AS (
    SELECT
        metric,
        account,
        day,
        coalesce(max(largest) OVER (account_days ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS earlier,
        row_number() OVER account_days - 1 AS snapshots
    FROM (
        SELECT metric, account, day, max(per_day) AS largest
        FROM per_day
        WHERE per_day IS NOT NULL
        GROUP BY metric, account, day
    )
    WINDOW account_days AS (PARTITION BY metric, account ORDER BY day)
),
-- Rises that may still be taken back, as in `history.glitches.unconfirmed_rises`.
unconfirmed AS MATERIALIZED (
    SELECT metric, pin, day
    FROM per_day
    JOIN largest USING (metric, account, day)
    WHERE is_late
        AND value - coalesce(top_before, 0) > {MIN_UNUSUAL_RISE}
        AND per_day > {MIN_UNUSUAL_RISE}
        AND per_day > {STANDS_OUT} * earlier + {MIN_UNUSUAL_RISE}
        AND snapshots >= {MIN_EARLIER_SNAPSHOTS}
),
steps AS (
    SELECT per_day.*, unconfirmed.day IS NOT NULL AS is_unconfirmed
    FROM per_day
    LEFT JOIN unconfirmed ON unconfirmed.metric = per_day.metric AND unconfirmed.pin = per_day.pin
        AND unconfirmed.day = per_day.day
)
