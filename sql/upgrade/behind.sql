-- Who follows the server by a slot, and how many bytes of its log the last of them has not confirmed yet.
SELECT count(*) AS followers, coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(confirmed_flush_lsn, restart_lsn))), 0)::bigint AS bytes
FROM pg_replication_slots;
