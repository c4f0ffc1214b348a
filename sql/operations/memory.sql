-- Whether this database is short of memory, by what it has read and spilled since its statistics began.
-- Less than a gigabyte read says nothing yet: everything is read once.
SELECT
    blks_read > 131072 AND blks_hit < 9 * blks_read AS "short of memory",
    temp_files > 0 AS "sorts on disk",
    deadlocks > 0 AS deadlocks
FROM pg_stat_database
WHERE datname = current_database();
