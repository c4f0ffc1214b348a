-- Posts a reply, counts it in its parent, and returns it as the home feed shows it.
--
-- No row where nobody has the handle; null where the parent has expired or is not there. A reply lives as
-- long as its parent does, so that a conversation ends as a whole. The parent stays locked until the reply
-- is there: it cannot be removed in between.
WITH author AS (
    SELECT uuid, display_name, handle
    FROM users
    WHERE lower(handle) = lower(%(handle)s)
), parent AS (
    UPDATE activities
    SET replies_count = replies_count + 1
    WHERE uuid = %(reply_to)s
        AND (expires_at IS NULL OR expires_at > now())
        AND EXISTS (SELECT FROM author)
    RETURNING uuid, expires_at
), posted AS (
    INSERT INTO activities (user_uuid, message, reply_to_activity_uuid, expires_at)
    SELECT author.uuid, %(message)s, parent.uuid, parent.expires_at
    FROM author, parent
    RETURNING *
)
SELECT row_to_json(shown) AS posted
FROM author
LEFT JOIN (
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
) AS shown ON true;
