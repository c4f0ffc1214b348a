-- How often this transaction has read each table from end to end so far.
SELECT schemaname AS schema, relname AS name, seq_scan AS scans FROM pg_stat_xact_user_tables WHERE seq_scan > 0;
