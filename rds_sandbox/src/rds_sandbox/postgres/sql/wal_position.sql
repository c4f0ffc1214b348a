-- Until where WAL is written.
SELECT pg_current_wal_lsn()::text;
