-- Takes the activities from the client.
COPY activities (uuid, user_uuid, message, replies_count, reply_to_activity_uuid, expires_at, created_at)
FROM STDIN (FORMAT binary);
