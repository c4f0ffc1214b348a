-- What is in a table: the number of its rows, and a checksum that does not depend on their order.
SELECT count(*) AS rows, coalesce(sum(hashtextextended(content::text, 0)::numeric), 0)::text AS checksum
FROM {schema}.{table} AS content;
