-- The tables that this user may read whole, with the estimate of the last ANALYZE; without those of the bookkeeping.
SELECT nspname AS schema, relname AS name, reltuples::bigint AS estimate
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND relpersistence <> 't'
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
    AND relname NOT IN ('schema_migrations', 'schema_history', 'restore_markers')
    AND has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(pg_class.oid, 'SELECT')
    AND NOT row_security_active(pg_class.oid)
ORDER BY nspname, relname;
