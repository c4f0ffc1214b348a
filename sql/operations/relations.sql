-- Each table of the database, and what this transaction has done to its rows so far; and all else that defining a table may define.
--
-- Only PostgreSQL's own counters and its catalogue are read, no table (PostgreSQL 18, chapter 27.2, pg_stat_xact_all_tables).
-- The counters may still hold what the session did just before: compare two answers. Another file node means a TRUNCATE or a
-- rewrite; rows of the catalogue that another transaction wrote mean another definition. An oid is one catalogue's alone: those of
-- types and schemas are moved out of the way.
SELECT
    pg_class.oid::bigint AS id,
    CASE WHEN relkind IN ('r', 'p', 'v', 'm', 'f') THEN 'table' WHEN relkind = 'S' THEN 'sequence' WHEN relkind = 'c' THEN 'type'
        ELSE 'index' END AS kind,
    CASE nspname WHEN 'public' THEN relname::text ELSE format('%%s.%%s', nspname, relname) END AS name,
    nspname = 'pg_catalog' AS system,
    relpersistence = 't' AS temporary,
    relfilenode::bigint AS file,
    concat_ws(' ', pg_class.xmin, columns.definition, constraints.definition, rules.definition, sequences.xmin) AS definition,
    coalesce(pg_stat_get_xact_tuples_inserted(pg_class.oid), 0) AS inserted,
    coalesce(pg_stat_get_xact_tuples_updated(pg_class.oid), 0) AS updated,
    coalesce(pg_stat_get_xact_tuples_deleted(pg_class.oid), 0) AS deleted
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
LEFT JOIN pg_sequence AS sequences ON seqrelid = pg_class.oid
LEFT JOIN LATERAL (
    SELECT string_agg(concat(attribute.xmin, '/', pg_attrdef.xmin), ' ' ORDER BY attnum) AS definition
    FROM pg_attribute AS attribute
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = pg_class.oid AND attnum > 0 AND nspname <> 'pg_catalog'
) AS columns ON true
LEFT JOIN LATERAL (
    SELECT string_agg(pg_constraint.xmin::text, ' ' ORDER BY pg_constraint.oid) AS definition
    FROM pg_constraint
    WHERE conrelid = pg_class.oid
) AS constraints ON true
LEFT JOIN LATERAL (
    SELECT string_agg(pg_rewrite.xmin::text, ' ' ORDER BY pg_rewrite.oid) AS definition FROM pg_rewrite WHERE ev_class = pg_class.oid
) AS rules ON true
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I', 'c') AND nspname NOT IN ('information_schema', 'pg_toast')
    AND NOT (nspname = 'pg_catalog' AND relkind <> 'r')
    AND (relpersistence <> 't' OR pg_is_other_temp_schema(relnamespace) IS FALSE)
UNION ALL
SELECT -pg_type.oid::bigint, 'type', typname, false, nspname LIKE 'pg\_%%temp\_%%', 0,
    concat_ws(' ', pg_type.xmin, (SELECT string_agg(xmin::text, ' ' ORDER BY oid) FROM pg_constraint WHERE contypid = pg_type.oid)),
    0, 0, 0
FROM pg_type
JOIN pg_namespace ON pg_namespace.oid = typnamespace
WHERE (typtype IN ('d', 'e', 'r', 'm') OR typtype = 'b' AND typelem = 0) AND nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT oid::bigint + 4294967296, 'schema', nspname, false, nspname LIKE 'pg\_%%', 0, xmin::text, 0, 0, 0
FROM pg_namespace
ORDER BY name;
