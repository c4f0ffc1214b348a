-- What is compared with the user pool: every user's handle, email and Cognito id.
SELECT handle, email, cognito_user_id
FROM users
ORDER BY handle;
