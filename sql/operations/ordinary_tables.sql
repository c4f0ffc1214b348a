-- Every table of the database but the system's own and that of the markers, by schema and name.
SELECT nspname AS schema, relname AS name
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND relpersistence = 'p' AND relname <> 'restore_markers'
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
ORDER BY nspname, relname;
