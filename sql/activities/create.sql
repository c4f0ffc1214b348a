-- Posts an activity, and returns it as the home feed shows it; no row where nobody has the handle.
WITH author AS (
    SELECT uuid, display_name, handle
    FROM users
    WHERE lower(handle) = lower(%(handle)s)
), posted AS (
    INSERT INTO activities (user_uuid, message, expires_at)
    SELECT uuid, %(message)s, now() + %(ttl)s
    FROM author
    RETURNING *
)
SELECT row_to_json(shown) AS posted
FROM (
    SELECT
        posted.uuid,
        posted.user_uuid,
        author.display_name,
        author.handle,
        posted.message,
        posted.replies_count,
        posted.reposts_count,
        posted.likes_count,
        posted.reply_to_activity_uuid,
        posted.expires_at,
        posted.created_at
    FROM posted, author
) AS shown;
