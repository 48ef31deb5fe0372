-- What all pins of an account gained together, as in `history.gains.account_daily_gains`.
account_gains AS (
    SELECT
        metric,
        account,
        day,
        CASE
            WHEN counter_type IN ('lifetime', 'restated')
                AND (pins_fallen = 0 OR (pins_known > 0 AND pins_fallen <= pins_risen)) THEN gain
        END AS gain,
        pins_observed,
        pins_fallen,
        pins_spread > 5e-1 * pins_observed AS is_spread,
        is_provisional
    FROM (
        SELECT
            metric,
            account,
            day,
            sum(gain) AS gain,
            count(*) AS pins_observed,
            count(gain) AS pins_known,
            count(*) FILTER (WHERE gain > 0) AS pins_risen,
            count(*) FILTER (WHERE is_fall) AS pins_fallen,
            count(*) FILTER (WHERE is_spread) AS pins_spread,
            bool_or(is_provisional OR is_unconfirmed) AS is_provisional
        FROM daily
        GROUP BY metric, account, day
    )
    LEFT JOIN types USING (metric, account)
),
account_days AS (
    SELECT
        account,
        day,
        {gains},
        max(pins_observed) AS pins_observed,
        max(pins_fallen) AS pins_fallen,
        bool_or(is_spread) AS is_spread,
        bool_or(is_provisional) AS is_provisional
    FROM account_gains
    GROUP BY account, day
),
{accounts},
{followers}
SELECT
    ids.social_network_id,
    names.account_name,
    account_days.day,
    {counters},
    coalesce(published.pins, 0) AS pins_published,
    followers.followers,
    pins_observed,
    pins_fallen,
    is_spread,
    is_provisional
FROM account_days
JOIN (SELECT DISTINCT account, social_network_id FROM pin_ids) AS ids USING (account)
LEFT JOIN names USING (social_network_id)
LEFT JOIN (
    SELECT account, published AS day, count(DISTINCT pin) AS pins FROM pin_ids GROUP BY account, published
) AS published USING (account, day)
LEFT JOIN followers USING (social_network_id, day)
