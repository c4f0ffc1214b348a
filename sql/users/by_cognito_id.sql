-- The row of a Cognito user.
SELECT handle, display_name
FROM users
WHERE cognito_user_id = :cognito_user_id;
