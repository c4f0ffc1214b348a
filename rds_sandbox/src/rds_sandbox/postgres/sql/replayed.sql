-- Whether a standby server has replayed the WAL until there.
SELECT coalesce(pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn, false);
