-- The home feed: live activities of everybody, newest first.
--
-- One page as a JSON document. It begins after a position; the first page after the infinite one. Comparing
-- rows lets activities_feed find the place at once, however deep it is (PostgreSQL 18, chapter 9.25.5).
SELECT coalesce(json_agg(page), '[]') AS page
FROM (
    SELECT *
    FROM live_activities
    WHERE (created_at, uuid) < (CAST(%(created_at)s AS timestamptz), CAST(%(uuid)s AS uuid))
    ORDER BY created_at DESC, uuid DESC
    LIMIT %(limit)s
) AS page;
