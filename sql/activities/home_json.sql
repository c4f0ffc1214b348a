-- The home feed as one JSON document that Postgres builds: an array, newest first.
SELECT coalesce(json_agg(feed), '[]') AS feed
FROM (
    SELECT *
    FROM live_activities
    ORDER BY created_at DESC, uuid
    LIMIT :limit
) AS feed;
