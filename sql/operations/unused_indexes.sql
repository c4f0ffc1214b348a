-- The indexes that no query has read since statistics began, and that hold no constraint up.
SELECT
    indexes.relname AS "table",
    indexes.indexrelname AS index,
    pg_size_pretty(pg_relation_size(indexes.indexrelid)) AS size
FROM pg_stat_user_indexes AS indexes
JOIN pg_index ON pg_index.indexrelid = indexes.indexrelid
WHERE indexes.idx_scan = 0 AND NOT pg_index.indisunique
ORDER BY pg_relation_size(indexes.indexrelid) DESC, indexes.indexrelname;
