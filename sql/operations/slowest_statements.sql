-- The statements of this database that took most time since counting began, with $1, $2 and so on for their values.
-- Those that define something, or set a password, are not normalised alike: only their kind may be shown.
SELECT query, calls, mean_exec_time AS mean_ms, total_exec_time AS total_ms
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 0
ORDER BY total_exec_time DESC
LIMIT %(limit)s;
