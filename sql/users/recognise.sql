-- Gives the row of a confirmed user the values that Cognito has: the one place that says whose row it is.
--
-- It is the row with the user's Cognito id. Where there is none, it is the row with the same email, provided that Cognito has
-- verified the email, and that the row has no other id than the `former` one: none, for a user who was seeded, or that of a user
-- whom the pool no longer has. An email that is not verified changes nothing. Nobody gets a row by its handle.
WITH recognised AS (
    UPDATE users
    SET cognito_user_id = %(cognito_user_id)s,
        display_name = %(display_name)s,
        handle = %(handle)s,
        email = CASE WHEN %(email_verified)s THEN lower(%(email)s) ELSE email END
    WHERE cognito_user_id = %(cognito_user_id)s
        OR %(email_verified)s
        AND email IN (%(email)s, lower(%(email)s))
        AND cognito_user_id IS NOT DISTINCT FROM %(former)s
        AND NOT EXISTS (SELECT FROM users WHERE cognito_user_id = %(cognito_user_id)s)
    RETURNING uuid
)
SELECT
    CASE
        WHEN EXISTS (SELECT FROM recognised) THEN 'updated'
        WHEN EXISTS (SELECT FROM users WHERE email IN (%(email)s, lower(%(email)s))) THEN 'email taken'
        ELSE 'handle taken'
    END AS outcome;
