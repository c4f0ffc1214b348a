-- The user who has this handle.
SELECT handle, display_name, email
FROM users
WHERE lower(handle) = lower(%(handle)s);
