-- How many tables of this database nobody has looked through since the server's statistics began.
-- Those that the user who connects may look through (PostgreSQL 18, ANALYZE) and others are counted apart.
SELECT count(*) FILTER (WHERE allowed) AS tables, count(*) FILTER (WHERE NOT allowed) AS others
FROM (
    SELECT
        pg_has_role(relowner, 'USAGE') OR pg_has_role(datdba, 'USAGE')
        OR CASE WHEN current_setting('server_version_num')::int >= 170000 THEN has_table_privilege(relid, 'MAINTAIN') ELSE false END AS allowed
    FROM pg_stat_user_tables
    JOIN pg_class ON pg_class.oid = relid
    JOIN pg_database ON datname = current_database()
    WHERE last_analyze IS NULL AND last_autoanalyze IS NULL
) AS left_out;
