-- What a table refuses of rows: checks; unique keys by their expressions; references by their columns.
SELECT 'check' AS kind, conname AS name, pg_get_expr(conbin, conrelid) AS expression, NULL AS parent, NULL AS referenced
FROM pg_constraint
WHERE conrelid = to_regclass(%(table)s) AND contype = 'c'
UNION ALL
SELECT 'unique', relname, (
    SELECT string_agg(pg_get_indexdef(indexrelid, number, true), ', ' ORDER BY number) FROM generate_series(1, indnkeyatts) AS number
), pg_get_expr(indpred, indrelid), NULL
FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = to_regclass(%(table)s) AND indisunique
UNION ALL
SELECT 'reference', conname, (
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY place)
    FROM unnest(conkey) WITH ORDINALITY AS keys (number, place)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = number
), (SELECT relname FROM pg_class WHERE oid = confrelid), (
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY place)
    FROM unnest(confkey) WITH ORDINALITY AS keys (number, place)
    JOIN pg_attribute ON attrelid = confrelid AND attnum = number
)
FROM pg_constraint
WHERE conrelid = to_regclass(%(table)s) AND contype = 'f'
ORDER BY kind, name;
