-- Every user by handle, with how many of the user's activities are live.
SELECT
    users.handle,
    users.display_name,
    count(live_activities.uuid) AS live_activities
FROM users
LEFT JOIN live_activities USING (handle)
GROUP BY users.uuid
ORDER BY users.handle;
