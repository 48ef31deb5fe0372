-- Followers at the end of a day: those of the snapshot after it. A sudden zero is a lost connection.
followers AS (
    SELECT social_network_id, day, followers
    FROM (
        FROM (
            SELECT
                coalesce(renamed.newest_id, stored.social_network_id) AS social_network_id,
                snapshot_date - 1 AS day,
                total_followers AS followers,
                renamed.place
            FROM {stored} AS stored
            LEFT JOIN _renames AS renamed ON renamed.social_network_id = stored.social_network_id
            WHERE snapshot_date BETWEEN {FIRST_DAY} AND (SELECT day FROM last_possible)
        )
        QUALIFY row_number() OVER (PARTITION BY social_network_id, day ORDER BY place NULLS FIRST) = 1
    )
    QUALIFY followers > 0 OR max(followers) OVER (PARTITION BY social_network_id) < {ZERO_BELOW}
)
