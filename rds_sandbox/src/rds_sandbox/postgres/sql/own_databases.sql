-- The databases whose changes are replicated.
SELECT datname, oid::text
FROM pg_database
WHERE datallowconn AND NOT datistemplate AND datconnlimit <> -2 AND datname <> 'rdsadmin'
ORDER BY datname;
