-- The home feed: live activities of everybody, newest first.
SELECT *
FROM live_activities
ORDER BY created_at DESC, uuid
LIMIT :limit;
