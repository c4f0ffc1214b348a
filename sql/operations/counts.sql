-- How many rows each table of the application has, by name of the table.
SELECT 'activities' AS "table", count(*) AS "rows" FROM activities
UNION ALL
SELECT 'users', count(*) FROM users
ORDER BY 1;
