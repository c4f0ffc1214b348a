-- The foreign keys that a table has, and those that refer to it; whether rows go with the one that they refer to.
SELECT DISTINCT
    format('%%I.%%I', child_schema.nspname, child.relname) AS child,
    format('%%I.%%I', parent_schema.nspname, parent.relname) AS parent,
    ARRAY(
        SELECT attname::text
        FROM unnest(conkey) WITH ORDINALITY AS keys (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number
        ORDER BY place
    ) AS columns,
    ARRAY(
        SELECT attname::text
        FROM unnest(confkey) WITH ORDINALITY AS keys (number, place)
        JOIN pg_attribute ON attrelid = confrelid AND attnum = number
        ORDER BY place
    ) AS referenced,
    confdeltype = 'c' AS cascades
FROM pg_constraint
JOIN pg_class AS child ON child.oid = conrelid
JOIN pg_namespace AS child_schema ON child_schema.oid = child.relnamespace
JOIN pg_class AS parent ON parent.oid = confrelid
JOIN pg_namespace AS parent_schema ON parent_schema.oid = parent.relnamespace
WHERE contype = 'f' AND conparentid = 0 AND to_regclass(%(name)s) IN (conrelid, confrelid)
ORDER BY child, parent, columns;
