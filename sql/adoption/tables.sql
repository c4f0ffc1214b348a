-- The tables of a schema, with the columns of their primary keys.
SELECT relname AS name, ARRAY(
    SELECT attname::text FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum = ANY (indkey) ORDER BY attnum
) AS key
FROM pg_class
LEFT JOIN pg_index ON indrelid = pg_class.oid AND indisprimary
WHERE relnamespace = to_regnamespace(%(schema)s) AND relkind IN ('r', 'p')
ORDER BY relname;
