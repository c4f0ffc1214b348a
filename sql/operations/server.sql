-- What the server is, how full it is, and whether it has this database.
-- The connections that are reserved are not for everybody (PostgreSQL 18, chapter 19.3; reserved_connections from 16 on).
SELECT
    current_setting('server_version') AS version,
    clock_timestamp() - pg_postmaster_start_time() AS up,
    pg_is_in_recovery() AS replica,
    current_user AS "user",
    EXISTS (SELECT FROM pg_database WHERE datname = %(database)s) AS present,
    (
        SELECT pg_database_size(oid) FROM pg_database
        WHERE datname = %(database)s AND has_database_privilege(oid, 'CONNECT')
    ) AS size,
    current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true), '0')::integer AS connection_limit;
