-- The rows of the copy that the live table lacks, by the columns that others refer to, as JSON.
SELECT jsonb_build_array({columns})::text AS key
FROM {staged} AS copied
WHERE NOT EXISTS (SELECT FROM {table} AS live WHERE {same})
ORDER BY {columns};
