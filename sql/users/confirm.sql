-- Inserts a user whom Cognito has confirmed.
--
-- No row comes back where the Cognito id, the email or the handle is there already: users/recognise then
-- finds whose it is. Emails are kept in lower case.
INSERT INTO users (cognito_user_id, display_name, handle, email)
VALUES (%(cognito_user_id)s, %(display_name)s, %(handle)s, lower(%(email)s))
ON CONFLICT DO NOTHING
RETURNING 'inserted' AS outcome;
