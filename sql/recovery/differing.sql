-- The rows that the live table has otherwise, as JSON, and in which columns.
SELECT jsonb_build_array({key})::text AS key, array_remove(ARRAY[{named}], NULL) AS columns
FROM {staged} AS copied
JOIN {table} AS live ON {same}
WHERE {differs}
ORDER BY {key};
