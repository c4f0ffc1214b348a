-- What may keep a session that is in from working: the connections that are left, and whether it may write.
SELECT
    current_user AS "user",
    current_database() AS database,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::integer AS connections,
    current_setting('max_connections')::integer AS most,
    pg_is_in_recovery() AS recovery,
    current_setting('default_transaction_read_only')::boolean AS read_only;
