-- Posts an activity and returns it as the home feed shows it; no row where the handle is unknown.
WITH author AS (
    SELECT uuid, display_name, handle
    FROM users
    WHERE handle = :handle
), posted AS (
    INSERT INTO activities (user_uuid, message, expires_at)
    SELECT uuid, :message, now() + :ttl
    FROM author
    RETURNING *
)
SELECT
    posted.uuid,
    author.display_name,
    author.handle,
    posted.message,
    posted.replies_count,
    posted.reposts_count,
    posted.likes_count,
    posted.reply_to_activity_uuid,
    posted.expires_at,
    posted.created_at
FROM posted, author;
