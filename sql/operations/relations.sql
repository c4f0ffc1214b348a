-- Each table of the database, and what this transaction has done to its rows so far; as its definition the row of pg_class.
--
-- Only PostgreSQL's own counters and its catalogue are read, no table (PostgreSQL 18, chapter 27.2, pg_stat_xact_all_tables).
-- The counters may still hold what the session did just before: compare two answers. Another file node means a TRUNCATE or a
-- rewrite, a row of another transaction another definition.
SELECT
    pg_class.oid::bigint AS id,
    CASE nspname WHEN 'public' THEN relname::text ELSE format('%%s.%%s', nspname, relname) END AS name,
    nspname = 'pg_catalog' AS system,
    relpersistence = 't' AS temporary,
    relfilenode::bigint AS file,
    pg_class.xmin::text AS definition,
    coalesce(pg_stat_get_xact_tuples_inserted(pg_class.oid), 0) AS inserted,
    coalesce(pg_stat_get_xact_tuples_updated(pg_class.oid), 0) AS updated,
    coalesce(pg_stat_get_xact_tuples_deleted(pg_class.oid), 0) AS deleted
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname <> 'information_schema'
    AND (relpersistence <> 't' OR pg_is_other_temp_schema(relnamespace) IS FALSE)
ORDER BY nspname, relname;
