names AS (
    SELECT social_network_id, account_name
    FROM (
        SELECT
            coalesce(renamed.newest_id, stored.social_network_id) AS social_network_id,
            CASE
                WHEN trim(full_name) <> '' AND trim(username) <> ''
                    THEN trim(full_name) || ' (@' || trim(username) || ')'
                ELSE coalesce(nullif(trim(full_name), ''), nullif(trim(username), ''))
            END AS account_name,
            renamed.place
        FROM {stored} AS stored
        LEFT JOIN _renames AS renamed ON renamed.social_network_id = stored.social_network_id
    )
    QUALIFY row_number() OVER (PARTITION BY social_network_id ORDER BY place NULLS FIRST) = 1
)
