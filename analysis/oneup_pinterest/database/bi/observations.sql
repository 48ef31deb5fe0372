-- Each pin with its number and account. A renamed account has its newest id, as in `database.renames`.
pin_ids AS MATERIALIZED (
    SELECT
        pin_key,
        min(pin_key) OVER (PARTITION BY account_id, pin_id) AS pin,
        dense_rank() OVER (ORDER BY account_id) AS account,
        count(*) OVER (PARTITION BY account_id, pin_id) > 1 AS is_merged,
        account_id AS social_network_id,
        pin_id AS id,
        published,
        place
    FROM (
        SELECT
            stored.pin_key,
            coalesce(renamed.newest_id, stored.social_network_id) AS account_id,
            coalesce(renamed.pin_ids[stored.id], stored.id) AS pin_id,
            stored.timestamp::DATE AS published,
            renamed.place
        FROM _pin_attributes AS stored
        LEFT JOIN _renames AS renamed ON renamed.social_network_id = stored.social_network_id
    )
),
-- No row may be of a day after the one that follows the newest extraction, as in `database.invalid_values`.
last_possible AS (
    SELECT
        coalesce(
            max(extracted) FILTER (WHERE extracted <= make_timestamp(epoch_us(now())) + INTERVAL 1 DAY),
            max(extracted) FILTER (WHERE isfinite(extracted))
        )::DATE + 1 AS day
    FROM ({extractions})
),
-- One row per pin and snapshot. Where a rename left two, the row of the newest account counts.
rows AS MATERIALIZED (
    SELECT {row_columns}
    FROM _pin_counters AS counters
    JOIN pin_ids ON pin_ids.pin_key = counters.pin_key
    WHERE NOT is_merged AND counters.snapshot_date BETWEEN {FIRST_DAY} AND (SELECT day FROM last_possible)
    UNION ALL
    SELECT {row_columns}
    FROM _pin_counters AS counters
    JOIN pin_ids ON pin_ids.pin_key = counters.pin_key
    WHERE is_merged AND counters.snapshot_date BETWEEN {FIRST_DAY} AND (SELECT day FROM last_possible)
    QUALIFY row_number() OVER (PARTITION BY pin, counters.snapshot_date ORDER BY place NULLS FIRST) = 1
),
snapshots AS (
    SELECT
        account,
        day,
        lag(day) OVER (PARTITION BY account ORDER BY day) AS before_on,
        bool_and(coalesce(published >= day - 1, false)) AS are_all_new
    FROM rows
    GROUP BY account, day
),
-- What a pin's first row says of whether the pin was new then.
first_rows AS MATERIALIZED (
    SELECT pin, before_on, before_on IS NULL AND are_all_new AS is_first_of_all, most_shown
    FROM (
        SELECT
            pin,
            account,
            min(day) AS day,
            max(impressions) FILTER (WHERE impressions BETWEEN 0 AND {MAX_COUNT}) AS most_shown
        FROM rows
        GROUP BY pin, account
    )
    JOIN snapshots USING (account, day)
),
-- One row per pin, counter and snapshot, without impossible counts.
counted AS MATERIALIZED (
    SELECT
        metric,
        account,
        pin,
        day,
        published,
        coalesce(published >= before_on - 1, false) OR is_first_of_all AS can_be_new,
        value
    FROM ({metrics})
    JOIN first_rows USING (pin)
    WHERE value BETWEEN 0 AND {MAX_COUNT} AND NOT coalesce(
        metric > 1 AND most_shown > 0 AND value > {MAX_PER_IMPRESSION} * most_shown
        AND value - most_shown > {MIN_EXCESS},
        false
    )
),
-- Snapshots with only zeros, although several pins had counts before: a lost connection.
zero_snapshots AS MATERIALIZED (
    SELECT metric, account, day
    FROM counted
    GROUP BY metric, account, day
    HAVING sum(value) = 0 AND count(*) >= {MIN_PINS_OF_EVENT}
),
empty_snapshots AS (
    SELECT metric, account, day
    FROM (
        SELECT
            metric,
            account,
            day,
            count(*) FILTER (WHERE value > 0) OVER pin_days AS times,
            first_value(value) OVER pin_days > 0 AS began_above
        FROM counted
        SEMI JOIN (
            SELECT DISTINCT metric, pin FROM counted WHERE value > 0
        ) AS above USING (metric, pin)
        SEMI JOIN zero_snapshots USING (metric, account)
        WINDOW pin_days AS (PARTITION BY metric, pin ORDER BY day)
    )
    SEMI JOIN zero_snapshots USING (metric, account, day)
    GROUP BY metric, account, day
    HAVING count(*) FILTER (WHERE times > {MAX_SPIKE_OBSERVATIONS} OR (times > 0 AND began_above))
        >= {MIN_PINS_OF_EVENT}
),
observed AS (
    SELECT * FROM counted ANTI JOIN empty_snapshots USING (metric, account, day)
),
paired AS MATERIALIZED (
    SELECT
        *,
        lag(value) OVER pin_days AS before,
        lag(day) OVER pin_days AS before_on,
        first_value(day) OVER (
            pin_days ROWS BETWEEN {MAX_SPIKE_OBSERVATIONS} FOLLOWING AND {MAX_SPIKE_OBSERVATIONS} FOLLOWING
        ) IS NULL AS is_late
    FROM observed
    WINDOW pin_days AS (PARTITION BY metric, pin ORDER BY day)
),
-- Only counters that ever fell can have glitches. All others need no second look.
falling AS MATERIALIZED (
    SELECT DISTINCT metric, pin FROM paired WHERE value < before
),
steady_totals AS MATERIALIZED (
    SELECT metric, account, day, 0 AS falls, count(*) AS pins, sum(value) AS value, sum(before) AS before
    FROM paired
    ANTI JOIN falling USING (metric, pin)
    WHERE before > 0
    GROUP BY metric, account, day
),
credible_0 AS (
    SELECT metric, account, pin, day, published, can_be_new, value FROM observed SEMI JOIN falling USING (metric, pin)
)
