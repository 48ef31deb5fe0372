-- Zeros that are dropped counts: the counter was above 0 before, and came back to there in one step.
zero_runs_{n} AS (
    SELECT
        metric,
        account,
        pin,
        run,
        arg_min(day, place) AS day,
        min(place) AS starts,
        arg_min(before, place) AS lost,
        coalesce(arg_min(usual, place), 0) AS usual,
        min(place) FILTER (WHERE value > 0) AS ends,
        arg_min(value, place) FILTER (WHERE value > 0) AS back
    FROM (
        SELECT
            *,
            count(*) FILTER (WHERE value = 0 AND before > 0) OVER pin_days AS run,
            max(greatest(value - before, 0)) OVER (
                PARTITION BY metric, pin ORDER BY day ROWS BETWEEN {MAX_SPIKE_OBSERVATIONS} PRECEDING AND 1 PRECEDING
            ) AS usual
        FROM (SELECT metric, account, pin, day, place, value, before FROM steps_{n})
        SEMI JOIN (
            SELECT DISTINCT metric, pin FROM steps_{n} WHERE value = 0 AND before > 0
        ) AS zeros USING (metric, pin)
        WINDOW pin_days AS (PARTITION BY metric, pin ORDER BY day)
    )
    WHERE run > 0
    GROUP BY metric, account, pin, run
),
marked_{n} AS (
    SELECT metric, pin, unnest(range(starts, ends)) AS place
    FROM (
        SELECT
            *,
            coalesce(back >= {KEPT_SHARE} * lost, false) AS is_back,
            count(*) FILTER (WHERE lost > {SMALL_COUNT}) OVER together AS fell,
            avg(coalesce(back >= {KEPT_SHARE} * lost, false)::INTEGER) OVER together AS came_back
        FROM zero_runs_{n}
        WINDOW together AS (PARTITION BY metric, account, day)
    )
    WHERE is_back AND (
        (fell >= {MIN_PINS_OF_EVENT} AND came_back >= {BACK_SHARE})
        OR (
            lost >= {MIN_UNUSUAL_RISE}
            AND back <= lost + {STANDS_OUT} * (usual + {SMALL_COUNT}) * (ends - starts + 1)
        )
    )
)
