SELECT
    pins.social_network_id,
    pins.id,
    {names}[daily.metric] AS metric,
    daily.day,
    CASE WHEN counter_type IN ('lifetime', 'restated') THEN daily.gain END AS gain,
    daily.is_spread,
    daily.is_fall,
    daily.is_new,
    daily.is_provisional,
    daily.is_unconfirmed,
    daily.fall,
    types.counter_type
FROM daily
JOIN (SELECT DISTINCT pin, social_network_id, id FROM pin_ids) AS pins ON pins.pin = daily.pin
LEFT JOIN types ON types.metric = daily.metric AND types.account = daily.account
