-- A fall from which the counter came back in one step, as in `history.glitches.dips`.
segments_{n} AS (
    SELECT
        metric,
        pin,
        day,
        place,
        value,
        before,
        coalesce(fall IN ('reset', 'fall'), false) AS is_break,
        count(*) FILTER (WHERE fall IN ('reset', 'fall')) OVER pin_days AS segment
    FROM steps_{n}
    SEMI JOIN (
        SELECT DISTINCT metric, pin FROM steps_{n} WHERE fall IN ('reset', 'fall')
    ) AS breaks USING (metric, pin)
    WINDOW pin_days AS (PARTITION BY metric, pin ORDER BY day)
),
tops_{n} AS (
    SELECT
        *,
        max(value) OVER (PARTITION BY metric, pin, segment ORDER BY day) AS top,
        max(CASE WHEN NOT is_break THEN greatest(value - before, 0 * before) END) OVER (
            PARTITION BY metric, pin, segment ORDER BY day
            ROWS BETWEEN {MAX_SPIKE_OBSERVATIONS} - 1 PRECEDING AND CURRENT ROW
        ) AS largest
    FROM segments_{n}
),
breaks_{n} AS (
    SELECT metric, pin, segment, place, value AS low, is_break, lost, usual
    FROM (
        SELECT
            metric,
            pin,
            segment,
            place,
            value,
            is_break,
            lag(top) OVER pin_days AS lost,
            lag(largest) OVER pin_days AS usual
        FROM tops_{n}
        WINDOW pin_days AS (PARTITION BY metric, pin ORDER BY day)
    )
    WHERE is_break
),
marked_{n} AS (
    SELECT metric, pin, unnest(range(any_value(breaks_{n}.place), min(segments_{n}.place))) AS place
    FROM segments_{n}
    JOIN breaks_{n} USING (metric, pin, segment)
    WHERE NOT segments_{n}.is_break
        AND segments_{n}.value >= {KEPT_SHARE} * lost
        AND segments_{n}.before < {KEPT_SHARE} * lost
        AND segments_{n}.value - segments_{n}.before > {STANDS_OUT} * usual
        AND 2 * (segments_{n}.value - segments_{n}.before) >= lost - low
    GROUP BY metric, pin, segment
)
