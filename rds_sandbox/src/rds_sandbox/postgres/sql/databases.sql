-- The databases that one can connect to.
SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2 ORDER BY datname;
