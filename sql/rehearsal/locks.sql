-- The locks on tables that other sessions have at this moment, and that keep more than other migrations waiting.
SELECT nspname AS schema, relname AS name, mode
FROM pg_locks
JOIN pg_class ON pg_class.oid = relation
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND granted AND pid <> pg_backend_pid() AND relkind IN ('r', 'p', 'm')
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%';
