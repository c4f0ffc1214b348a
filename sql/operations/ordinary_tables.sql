-- Every table of the database but the system's own and that of the markers, by schema and name.
-- Left out are those of which a policy shows this user a part alone.
SELECT nspname AS schema, relname AS name
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND relpersistence = 'p' AND relname <> 'restore_markers' AND NOT row_security_active(pg_class.oid)
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
ORDER BY nspname, relname;
