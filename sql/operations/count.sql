-- How many rows a table has, counted to no more than 100,001.
SELECT count(*) AS rows FROM (SELECT FROM {schema}.{table} LIMIT 100001) AS bounded;
