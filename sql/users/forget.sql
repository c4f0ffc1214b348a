-- Removes the row of a user who was signed up to try whether it appears: nobody else has such an email.
DELETE FROM users
WHERE email = lower(%(email)s)
RETURNING handle;
