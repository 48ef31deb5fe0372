-- Pair each observation of a counter that fell with the one before it, and name its falls.
paired_{n} AS (
    SELECT
        *,
        lag(value) OVER pin_days AS before,
        lag(day) OVER pin_days AS before_on,
        row_number() OVER pin_days AS place,
        -- the earliest counter of the last three days; a pin that was new since then had 0
        CASE
            WHEN first_value(can_be_new) OVER recent AND first_value(day) OVER recent = first_value(day) OVER pin_days
                AND day - first_value(day) OVER recent < {MAX_RECENT_DAYS}
                THEN 0
            ELSE first_value(value) OVER recent
        END AS ago
    FROM credible_{n}
    WINDOW
        pin_days AS (PARTITION BY metric, pin ORDER BY day),
        recent AS (
            PARTITION BY metric, pin ORDER BY day
            RANGE BETWEEN INTERVAL {MAX_RECENT_DAYS} DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
        )
),
-- Snapshots at which most of the account's counters fell together.
crowds_{n} AS (
    SELECT metric, account, day, sum(value) < {RESET_BELOW} * sum(before) AS all_were_reset
    FROM (
        SELECT
            metric,
            account,
            day,
            count(*) FILTER (WHERE value < before) AS falls,
            count(*) AS pins,
            sum(value) AS value,
            sum(before) AS before
        FROM paired_{n}
        WHERE before > 0
        GROUP BY metric, account, day
        UNION ALL
        FROM steady_totals
    )
    GROUP BY metric, account, day
    HAVING sum(falls) >= {MIN_PINS_OF_EVENT} AND sum(falls) > {EVENT_SHARE} * sum(pins)
),
steps_{n} AS MATERIALIZED (
    SELECT
        paired_{n}.*,
        coalesce(value < before AND value >= ago, false) AS is_recent,
        CASE
            WHEN before > 0 AND all_were_reset THEN 'reset'
            WHEN NOT coalesce(value < before, false) THEN NULL
            WHEN before - value <= greatest({SMALL_COUNT}, {SMALL_SHARE} * before) THEN 'restatement'
            WHEN value < {RESET_BELOW} * before THEN 'reset'
            WHEN all_were_reset IS NOT NULL OR value >= ago THEN 'restatement'
            ELSE 'fall'
        END AS fall
    FROM paired_{n}
    LEFT JOIN crowds_{n} USING (metric, account, day)
)
