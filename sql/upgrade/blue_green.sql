-- What stands in the way of a blue/green deployment, which replicates logically.
-- RDS User Guide, "Limitations and considerations for Amazon RDS blue/green deployments".
SELECT 'logical replication is off: rds.logical_replication = 1, and a reboot, would switch it on' AS reason
WHERE current_setting('wal_level') <> 'logical'
UNION ALL
SELECT 'table ' || pg_class.oid::regclass || ' has no primary key and no REPLICA IDENTITY FULL'
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%' AND relreplident NOT IN ('f', 'i')
    AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)
UNION ALL
SELECT count(*) || ' large objects are not replicated'
FROM pg_largeobject_metadata
HAVING count(*) > 0
ORDER BY reason;
