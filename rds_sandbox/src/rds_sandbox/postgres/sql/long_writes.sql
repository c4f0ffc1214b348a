-- Transactions that have written, or changed a schema, and have been open for longer than these seconds.
SELECT count(*)
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND backend_xid IS NOT NULL AND xact_start < now() - make_interval(secs => %(seconds)s);
