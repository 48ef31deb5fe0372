-- On which days which counters of a pin are credible and confirmed (bit 1: impressions, bit 2: saves, ...).
unconfirmed_since AS (
    SELECT metric, pin, min(day) AS since FROM unconfirmed GROUP BY metric, pin
),
credible_days AS (
    SELECT steps.pin, steps.day, sum(1 << (steps.metric - 1)::INTEGER) AS counters
    FROM steps
    LEFT JOIN unconfirmed_since ON unconfirmed_since.metric = steps.metric AND unconfirmed_since.pin = steps.pin
    WHERE since IS NULL OR steps.day < since
    GROUP BY steps.pin, steps.day
),
rising AS (
    SELECT pin, sum(1 << (metric - 1)::INTEGER) AS counters FROM unconfirmed_since GROUP BY pin
),
-- The last day on which a set of counters was credible, as in `history.latest.latest_counters`.
newest AS (
    SELECT
        pin, account, max(day) AS last_seen, min(day) AS first_seen, arg_max(pin_key, day) AS pin_key
    FROM rows
    GROUP BY pin, account
),
chosen AS MATERIALIZED (
    SELECT
        newest.pin,
        any_value(last_seen) AS last_seen,
        coalesce(any_value(rising.counters), 0) AS rising,
        {chosen_days}
    FROM newest
    LEFT JOIN credible_days ON credible_days.pin = newest.pin
    LEFT JOIN rising ON rising.pin = newest.pin
    GROUP BY newest.pin
),
{accounts}
SELECT
    pin_ids.social_network_id,
    names.account_name,
    pin_ids.id,
    attributes.text,
    attributes.permalink,
    attributes.format,
    attributes.media_type,
    attributes.media_url,
    attributes.timestamp AS published,
    newest.first_seen,
    newest.last_seen,
    shown.day AS counters_of,
    shown.day - attributes.timestamp::DATE AS age_days,
    {counters},
    {rates},
    chosen.day_of_all IS NOT NULL AND chosen.day_of_all <> chosen.last_seen AS is_earlier,
    chosen.day_of_all IS NULL AND chosen.rising > 0 AS is_unconfirmed,
    shown_type.counter_type
FROM newest
JOIN chosen ON chosen.pin = newest.pin
JOIN pin_ids ON pin_ids.pin_key = newest.pin_key
JOIN _pin_attributes AS attributes ON attributes.pin_key = newest.pin_key
JOIN rows AS shown ON shown.pin = newest.pin AND shown.day = coalesce(chosen.day_of_all, chosen.last_seen)
LEFT JOIN types AS shown_type ON shown_type.account = newest.account AND shown_type.metric = 1
{rate_joins}
LEFT JOIN names ON names.social_network_id = pin_ids.social_network_id
