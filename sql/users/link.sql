-- Gives the row of this handle, which belongs to nobody in the user pool yet, its Cognito id.
UPDATE users
SET cognito_user_id = %(cognito_user_id)s
WHERE lower(handle) = lower(%(handle)s) AND cognito_user_id IS NULL
RETURNING 'updated' AS outcome;
