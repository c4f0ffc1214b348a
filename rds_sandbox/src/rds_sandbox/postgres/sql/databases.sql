-- The databases that one can connect to, RDS's own left out.
SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2 AND datname <> 'rdsadmin' ORDER BY datname;
