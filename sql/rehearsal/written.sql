-- How far the write-ahead log has come, in bytes, how large the database is, and which version runs.
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal, pg_database_size(current_database()) AS bytes,
    current_setting('server_version') AS version;
