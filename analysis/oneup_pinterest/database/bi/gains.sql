-- What each counter gained on each day, as in `history.gains.daily_gains`.
gained AS (
    SELECT
        metric, account, pin, day - 1 AS day, greatest(day - before_on, 1) AS days,
        CASE WHEN fall IS NULL THEN greatest(value - top_before, 0)::DOUBLE END AS gain, is_new, is_unconfirmed, fall
    FROM steps
    WHERE before_on IS NOT NULL
    UNION ALL
    SELECT
        metric, account, pin, day - 1, greatest(day - published, 1),
        CASE WHEN fall IS NULL THEN value::DOUBLE END, is_new, is_unconfirmed, fall
    FROM steps
    WHERE is_new
),
last_days AS (
    SELECT account, max(day) AS last_day FROM steps GROUP BY account
),
daily AS (
    SELECT
        metric,
        account,
        pin,
        day,
        gain,
        is_spread,
        fall IS NOT NULL AS is_fall,
        is_new,
        day >= last_day - {PROVISIONAL_DAYS} AS is_provisional,
        is_unconfirmed,
        fall
    FROM (
        SELECT *, false AS is_spread FROM gained WHERE days = 1
        UNION ALL
        SELECT * EXCLUDE (back) REPLACE (day - back::INTEGER AS day, gain / days AS gain), true AS is_spread
        FROM (SELECT *, unnest(range(days)) AS back FROM gained WHERE days > 1)
    )
    JOIN last_days USING (account)
)
