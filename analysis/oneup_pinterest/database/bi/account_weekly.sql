SELECT
    social_network_id,
    account_name,
    date_trunc('week', day)::DATE AS week,
    {sums},
    sum(pins_published)::BIGINT AS pins_published,
    arg_max(followers, day) FILTER (WHERE followers IS NOT NULL) AS followers,
    count(*) AS days,
    count(impressions) AS days_known,
    bool_or(is_provisional) AS is_provisional
FROM account_daily
GROUP BY social_network_id, account_name, week
