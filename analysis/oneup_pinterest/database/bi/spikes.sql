-- A rise in one step that is taken back within three observations, as in `history.glitches.spikes`.
near_{n} AS (
    SELECT
        metric,
        pin,
        place,
        -- ago[1] is this observation, ago[2] the one before it
        [v, {ago}] AS ago,
        [{next}] AS next,
        first_value(can_be_new) OVER pin_days AS is_new_pin,
        v < ago_1 - {SMALL_COUNT} AS is_end
    FROM (
        SELECT *, value AS v, before AS ago_1
        FROM steps_{n}
        SEMI JOIN (
            SELECT DISTINCT metric, pin FROM steps_{n} WHERE value < before - {SMALL_COUNT}
        ) AS ends USING (metric, pin)
    )
    WINDOW pin_days AS (PARTITION BY metric, pin ORDER BY day)
),
spikes_{n} AS (
    SELECT metric, pin, place, min(length) AS length
    FROM (
        SELECT
            metric,
            pin,
            place,
            length,
            is_new_pin AND place = length + 1 AS is_new,
            CASE WHEN is_new_pin AND place = length + 1 THEN 0 ELSE ago[length + 2] END AS before,
            ago[1] AS after,
            ago[length + 1] AS top,
            list_min(ago[2:length + 1]) AS lowest,
            ago[2] - ago[1] AS fall,
            {SMALL_SHARE} * ago[2] AS small,
            greatest(
                abs(ago[length + 2] - ago[length + 3]),
                abs(ago[length + 3] - ago[length + 4]),
                abs(ago[length + 4] - ago[length + 5])
            ) AS earlier,
            greatest(abs(next[1] - ago[1]), abs(next[2] - next[1]), abs(next[3] - next[2])) AS later
        FROM near_{n}, range(1, {MAX_SPIKE_OBSERVATIONS} + 1) AS lengths (length)
        WHERE is_end
    )
    WHERE (
        lowest > greatest(before, after)
        AND before - after <= greatest({SMALL_COUNT}, {SMALL_SHARE} * before)
        AND 2 * (before - after) <= top - before
        AND 2 * fall >= top - before
        AND top - before > {STANDS_OUT} * coalesce(least(earlier, later), 0)
        AND (
            fall > small
            OR top - before > {SURELY_STANDS_OUT} * (coalesce(greatest(earlier, later), 0) + {SMALL_COUNT})
        )
    ) OR (
        before IS NULL AND top IS NOT NULL AND NOT is_new
        AND 2 * after < lowest
        AND fall > {STANDS_OUT} * later
        AND after > {STANDS_OUT} * (later + {SMALL_COUNT})
    )
    GROUP BY metric, pin, place
),
marked_{n} AS (
    SELECT DISTINCT metric, pin, unnest(range(place - length, place)) AS place FROM spikes_{n}
)
