-- What is compared with the user pool: every user's values that come from there.
SELECT handle, email, cognito_user_id, display_name
FROM users
ORDER BY handle;
