-- Every table, index and materialised view, with the file that has its rows: another file means that all of it was written anew.
SELECT pg_class.oid, nspname AS schema, relname AS name, relkind AS kind, pg_relation_filenode(pg_class.oid)::bigint AS file,
    pg_relation_size(pg_class.oid) AS bytes, reltuples::bigint AS rows
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'i', 'm') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
ORDER BY nspname, relname;
