-- The newest live activity in which a user says exactly this, as the home feed shows it.
SELECT row_to_json(live_activities) AS found
FROM live_activities
WHERE lower(handle) = lower(%(handle)s)
    AND message = %(message)s
    AND reply_to_activity_uuid IS NOT DISTINCT FROM CAST(%(reply_to)s AS uuid)
ORDER BY created_at DESC, uuid DESC
LIMIT 1;
