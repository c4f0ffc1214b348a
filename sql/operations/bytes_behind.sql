-- Whether the server is a replica, and how many bytes of its source's log it has still to replay up to a position.
SELECT
    pg_is_in_recovery() AS replica,
    pg_wal_lsn_diff(CAST(%(position)s AS pg_lsn), coalesce(pg_last_wal_replay_lsn(), '0/0'))::bigint AS bytes;
