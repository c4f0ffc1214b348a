-- The databases that can be looked into.
SELECT datname AS name FROM pg_database WHERE datallowconn AND datconnlimit <> -2 AND datname <> 'rdsadmin' ORDER BY datname;
