-- What the copied rows refer to, and the live table lacks, as JSON.
SELECT DISTINCT jsonb_build_array({columns})::text AS key
FROM {staged} AS copied
WHERE ROW ({columns}) IS NOT NULL AND NOT EXISTS (SELECT FROM {table} AS live WHERE {same});
