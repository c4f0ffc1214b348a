-- The home feed as the application first had it: every activity there is, joined and sorted, as one JSON document.
SELECT coalesce(array_to_json(array_agg(row_to_json(array_row))), '[]'::json)
FROM (
    SELECT
        activities.uuid,
        users.display_name,
        users.handle,
        activities.message,
        activities.replies_count,
        activities.reposts_count,
        activities.likes_count,
        activities.reply_to_activity_uuid,
        activities.expires_at,
        activities.created_at
    FROM activities
    LEFT JOIN users ON users.uuid = activities.user_uuid
    ORDER BY activities.created_at DESC
) AS array_row;
