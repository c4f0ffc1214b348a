-- The columns of a table that can be written: type, whether null is refused, default, and whether the type can become another's.
SELECT
    attname AS name,
    format_type(atttypid, atttypmod) AS type,
    attnotnull AS required,
    pg_get_expr(adbin, adrelid) AS "default",
    attidentity <> '' AS identity,
    ARRAY(
        SELECT format_type(castfunc.casttarget, NULL)
        FROM pg_cast AS castfunc
        WHERE castsource = atttypid
    ) AS casts,
    typcategory = 'S' AS text
FROM pg_attribute
JOIN pg_type ON pg_type.oid = atttypid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum;
