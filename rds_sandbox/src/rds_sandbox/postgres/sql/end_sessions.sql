-- End the sessions of all clients but rdsadmin; how many there were.
SELECT count(pg_terminate_backend(pid))
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM 'rdsadmin';
