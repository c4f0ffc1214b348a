-- A table by its name: in full, its columns that can be written, those of its primary key, and those that no UPDATE can set.
SELECT
    nspname AS schema,
    relname AS name,
    format('%%I.%%I', nspname, relname) AS full,
    array_agg(attname ORDER BY attnum) AS columns,
    coalesce(array_agg(attname ORDER BY attnum) FILTER (WHERE attnum = ANY (indkey)), '{}') AS key,
    coalesce(array_agg(attname) FILTER (WHERE attidentity = 'a'), '{}') AS fixed
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
LEFT JOIN pg_index ON indrelid = pg_class.oid AND indisprimary
WHERE pg_class.oid = to_regclass(%(name)s) AND relkind IN ('r', 'p')
GROUP BY nspname, relname;
