-- Gives the row of a confirmed user the values that Cognito has.
--
-- The user is known by the Cognito id, else by the email: of somebody who was deleted and comes again, or
-- was seeded. No row comes back where neither is there: then the handle belongs to somebody else.
UPDATE users
SET cognito_user_id = %(cognito_user_id)s, display_name = %(display_name)s, handle = %(handle)s, email = lower(%(email)s)
WHERE uuid = (
    SELECT uuid
    FROM users
    WHERE cognito_user_id = %(cognito_user_id)s OR email = lower(%(email)s)
    ORDER BY cognito_user_id IS NOT DISTINCT FROM %(cognito_user_id)s DESC
    LIMIT 1
)
RETURNING 'updated' AS outcome;
