-- How far the server has written: what a replica has to replay.
SELECT pg_current_wal_flush_lsn()::text AS position;
