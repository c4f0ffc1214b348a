-- The largest tables and their indexes, in bytes; TOAST counts as the table's.
SELECT relname AS "table", pg_table_size(relid) AS table_bytes, pg_indexes_size(relid) AS index_bytes
FROM pg_stat_user_tables
ORDER BY pg_total_relation_size(relid) DESC, relname
LIMIT 15;
