-- Values with which the application's statements are tried: those of somebody who is there. They are not shown.
SELECT users.handle, activities.message, activities.uuid AS reply_to
FROM activities
JOIN users ON users.uuid = activities.user_uuid
WHERE activities.expires_at IS NULL OR activities.expires_at > now() + INTERVAL '1 hour'
ORDER BY activities.created_at DESC, activities.uuid
LIMIT 1;
