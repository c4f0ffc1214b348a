-- Whether the server is a replica, and how many seconds it is behind: 0 where all that it has received is replayed.
SELECT
    pg_is_in_recovery() AS replica,
    CASE
        WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
        ELSE extract(epoch FROM clock_timestamp() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time()))
    END::double precision AS seconds;
