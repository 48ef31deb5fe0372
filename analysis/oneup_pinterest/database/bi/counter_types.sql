-- Whether a counter counts a pin's whole life or a window of days, as in `history.counter_types`.
moves AS MATERIALIZED (
    SELECT
        metric,
        account,
        pin,
        day,
        value,
        before,
        value < before AS is_fall,
        day - published AS age,
        value < before AND NOT is_recent AND coalesce(day - published > {YOUNGEST}, true) AS is_sign
    FROM per_day
    WHERE before_on IS NOT NULL AND value <> before
),
snapshot_moves AS (
    SELECT
        metric,
        account,
        day,
        count(*) FILTER (WHERE value < before) AS falls,
        count(*) FILTER (WHERE value > before) AS rises,
        count(*) FILTER (WHERE before > 0) AS could_fall,
        sum(value) < {RESET_BELOW} * sum(before) AS is_reset
    FROM per_day
    WHERE before_on IS NOT NULL
    GROUP BY metric, account, day
),
events AS MATERIALIZED (
    SELECT
        *,
        is_many AND count(*) FILTER (WHERE is_many) OVER of_account
            <= greatest({EVENTS} * count(*) OVER of_account, 1) AS is_event,
        falls > {EVENT_SHARE} * could_fall AS is_most
    FROM (
        SELECT *, falls >= {MIN_PINS_OF_EVENT} AND falls >= {MANY} * could_fall AS is_many FROM snapshot_moves
    )
    WINDOW of_account AS (PARTITION BY metric, account)
),
usual_moves AS MATERIALIZED (
    SELECT * FROM moves ANTI JOIN (FROM events WHERE is_event) AS event USING (metric, account, day)
),
losses AS (
    SELECT
        metric,
        account,
        avg((lost > greatest({SMALL_COUNT}, {SMALL_SHARE} * top))::INTEGER) AS deep_share,
        avg(falls) AS falls_per_pin
    FROM (
        SELECT metric, account, pin, sum(before - value) AS lost, max(before) AS top, count(*) AS falls
        FROM usual_moves
        WHERE is_sign
        GROUP BY metric, account, pin
    )
    GROUP BY metric, account
),
by_age AS (
    SELECT
        metric,
        account,
        count(*) FILTER (WHERE is_sign) AS falls,
        count(*) AS moves,
        count(DISTINCT day) FILTER (WHERE is_sign) AS days,
        count(DISTINCT pin) FILTER (WHERE is_sign) AS pins_fallen,
        count(DISTINCT pin) AS pins
    FROM usual_moves, (VALUES (0), (30), (90)) AS ages (least)
    WHERE coalesce(age > least, least = 0)
    GROUP BY metric, account, least
),
often AS (
    SELECT
        metric,
        account,
        bool_or(
            falls >= {FALLS}
            AND days >= {FALLING_DAYS}
            AND pins_fallen >= {FALLING_SHARE} * pins
            AND falls - {FALLING_SHARE} * moves
                > {SURELY} * sqrt({FALLING_SHARE} * (1 - {FALLING_SHARE}) * moves)
        ) AS falls_too_often
    FROM by_age
    GROUP BY metric, account
),
judged AS MATERIALIZED (
    SELECT
        metric,
        account,
        sum(events.rises) AS rises,
        sum(events.falls) AS falls,
        bool_or(is_event AND is_most AND NOT is_reset) AS is_restated,
        coalesce(
            any_value(falls_too_often) AND (any_value(deep_share) >= 1 / 3 OR any_value(falls_per_pin) >= 2), false
        ) AS is_rolling,
        coalesce(any_value(old_rises) >= {MIN_MOVES}, false) AS rules_out_days
    FROM events
    LEFT JOIN often USING (metric, account)
    LEFT JOIN losses USING (metric, account)
    LEFT JOIN (
        SELECT metric, account, count(age) FILTER (WHERE NOT is_fall) AS old_rises
        FROM usual_moves
        GROUP BY metric, account
    ) AS rising USING (metric, account)
    GROUP BY metric, account
),
types AS MATERIALIZED (
    SELECT
        judged.metric,
        judged.account,
        CASE
            WHEN coalesce(shown.is_rolling, false) AND (judged.falls > 0 OR judged.rises < {MIN_MOVES}) THEN 'rolling'
            WHEN judged.is_rolling AND NOT (
                coalesce(NOT shown.is_rolling AND shown.rules_out_days, false) AND judged.falls < {MIN_MOVES}
            ) THEN 'rolling'
            WHEN judged.is_restated THEN 'restated'
            ELSE 'lifetime'
        END AS counter_type
    FROM judged
    LEFT JOIN judged AS shown ON shown.account = judged.account AND shown.metric = 1
)
