-- The indexes that were begun and not finished, and are not being made just now: no query uses them, each write pays for them.
SELECT nspname AS schema, relname AS index
FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE NOT indisvalid
    AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS progress WHERE progress.index_relid = indexrelid);
