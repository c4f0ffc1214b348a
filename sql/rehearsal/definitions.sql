-- The schema, a line for each part of it, by table or view: what a digest of it is made of.
SELECT format('%%s.%%s', nspname, relname) AS relation, part
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
CROSS JOIN LATERAL (
    SELECT format('%%s %%s %%s %%s', attname, format_type(atttypid, atttypmod), attnotnull,
        (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)) AS part
    FROM pg_attribute
    WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = pg_class.oid
    UNION ALL
    SELECT format('%%s %%s', conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid = pg_class.oid AND contype <> 'n'
    UNION ALL
    SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal
    UNION ALL
    SELECT pg_get_viewdef(pg_class.oid) WHERE relkind IN ('v', 'm')
) AS parts
WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
    AND relname <> 'restore_markers'
ORDER BY relation, part;
