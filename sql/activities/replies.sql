-- The live replies to an activity, newest first, by pages as in home.sql.
SELECT coalesce(json_agg(page), '[]') AS page
FROM (
    SELECT *
    FROM live_activities
    WHERE reply_to_activity_uuid = %(reply_to)s
        AND (created_at, uuid) < (CAST(%(created_at)s AS timestamptz), CAST(%(uuid)s AS uuid))
    ORDER BY created_at DESC, uuid DESC
    LIMIT %(limit)s
) AS page;
