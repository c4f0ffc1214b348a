-- A user's page as JSON: the profile with the number of live activities, and the latest of these by pages as in activities/home.sql.
--
-- No row where nobody has the handle. The page is picked from activities_author alone, in its order: the
-- planner knows how much a user posts on average only, and else would sort all that a busy one ever did.
SELECT
    json_build_object(
        'uuid', users.uuid,
        'handle', users.handle,
        'display_name', users.display_name,
        'bio', users.bio,
        'created_at', users.created_at,
        'activities_count', (
            SELECT count(*)
            FROM activities
            WHERE user_uuid = users.uuid AND (expires_at IS NULL OR expires_at > now())
        )
    ) AS profile,
    (
        SELECT coalesce(json_agg(page), '[]')
        FROM (
            SELECT live_activities.*
            FROM live_activities
            JOIN (
                SELECT uuid
                FROM activities
                WHERE user_uuid = users.uuid
                    AND (expires_at IS NULL OR expires_at > now())
                    AND (created_at, uuid) < (CAST(%(created_at)s AS timestamptz), CAST(%(uuid)s AS uuid))
                ORDER BY created_at DESC, uuid DESC
                LIMIT %(limit)s
            ) AS latest USING (uuid)
            ORDER BY created_at DESC, uuid DESC
        ) AS page
    ) AS page
FROM users
WHERE lower(handle) = lower(%(handle)s);
