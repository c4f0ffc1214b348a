-- Removes the row of a Cognito user who was signed up to try whether it appears.
DELETE FROM users
WHERE cognito_user_id = :cognito_user_id
RETURNING handle;
