-- Who is connected, to which database, and what the server is.
SELECT
    current_database() AS database,
    current_user AS "user",
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
    current_setting('server_version_num')::integer / 10000 AS server_major,
    current_setting('server_encoding') AS encoding;
