-- The databases of the server.
SELECT datname FROM pg_database ORDER BY datname;
