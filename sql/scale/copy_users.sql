-- Takes the users from the client.
COPY users (uuid, handle, display_name, email, created_at) FROM STDIN;
