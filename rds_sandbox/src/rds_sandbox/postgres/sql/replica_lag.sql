-- The seconds that a standby server is behind its source; 0 where nothing is left to replay. One that has replayed no transaction
-- since it was started is behind for as long at least.
SELECT CASE
         WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
         ELSE extract(epoch FROM clock_timestamp() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time()))
       END;
