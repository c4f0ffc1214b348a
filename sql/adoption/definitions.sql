-- The keys, constraints, indexes and triggers of a table, as SQL without schemas.
SELECT kind, replace(replace(definition, %(schema)s || '.', ''), 'public.', '') AS definition
FROM (
    SELECT 'constraint', pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = to_regclass(%(table)s) AND contype IN ('p', 'u', 'c', 'f')
    UNION ALL
    SELECT 'index', regexp_replace(pg_get_indexdef(indexrelid), '^(CREATE( UNIQUE)? INDEX) \S+', '\1')
    FROM pg_index
    WHERE indrelid = to_regclass(%(table)s) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype <> 'f')
    UNION ALL
    SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = to_regclass(%(table)s) AND NOT tgisinternal
) AS found (kind, definition)
ORDER BY kind, definition;
