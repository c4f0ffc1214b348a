-- How large each table is and its indexes are, rounded up to the next power of two from 64 kB on.
-- Dead rows are what VACUUM has not given back yet.
SELECT
    relname AS "table",
    pg_size_pretty(65536 * 2 ^ ceil(log(2, greatest(pg_table_size(relid), 65536) / 65536.0))) AS "table, up to",
    pg_size_pretty(65536 * 2 ^ ceil(log(2, greatest(pg_indexes_size(relid), 65536) / 65536.0))) AS "indexes, up to",
    n_dead_tup > 1000 AND n_dead_tup > n_live_tup / 5 AS bloated
FROM pg_stat_user_tables
ORDER BY relname;
