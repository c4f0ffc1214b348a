-- Whether a user has this handle.
SELECT handle
FROM users
WHERE lower(handle) = lower(:handle);
