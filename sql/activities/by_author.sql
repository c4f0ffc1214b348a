-- The users who posted most in the last days, with how many activities; equal ones by handle.
SELECT users.handle, count(*) AS activities
FROM activities
JOIN users ON users.uuid = activities.user_uuid
WHERE activities.created_at >= now() - make_interval(days => %(days)s)
GROUP BY users.uuid
ORDER BY activities DESC, users.handle
LIMIT %(limit)s;
