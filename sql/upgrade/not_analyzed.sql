-- How many tables of this database nobody has looked through since the server's statistics began.
SELECT count(*) AS tables
FROM pg_stat_user_tables
WHERE last_analyze IS NULL AND last_autoanalyze IS NULL;
