-- Whether a server has fewer workers than the subscriptions of its databases need.
SELECT count(*) > least(current_setting('max_logical_replication_workers')::int, current_setting('max_worker_processes')::int - 1)
FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> 'rdsadmin';
