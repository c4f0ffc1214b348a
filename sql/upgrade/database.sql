-- What stands in the way of a major upgrade in one database, or wants a look, each with its remedy.
-- RDS User Guide, as for the server; the checks of pg_upgrade 18 (check_for_not_null_inheritance); release notes of 17 and 18.
SELECT DISTINCT
    seen.relname = 'pg_stat_activity' OR attname IN (
        'checkpoints_timed', 'checkpoints_req', 'checkpoint_write_time', 'checkpoint_sync_time', 'buffers_checkpoint',
        'buffers_backend', 'buffers_backend_fsync'
    ) AS blocks,
    'view ' || ev_class::regclass || ' reads ' || seen.relname AS what,
    'its columns change from version to version: drop the view, and make it anew after the upgrade' AS remedy
FROM pg_depend
JOIN pg_rewrite ON pg_rewrite.oid = objid
JOIN pg_class AS seen ON seen.oid = refobjid
LEFT JOIN pg_attribute ON attrelid = seen.oid AND attnum = refobjsubid
WHERE classid = 'pg_rewrite'::regclass AND ev_class >= 16384
    AND (seen.relname = 'pg_stat_activity' OR (seen.relname = 'pg_stat_bgwriter' AND %(wanted)s >= 17 AND attname <> 'buffers_alloc'))
    AND seen.relnamespace = 'pg_catalog'::regnamespace AND (refobjsubid > 0 OR seen.relname = 'pg_stat_activity')
UNION ALL
SELECT
    true, 'column ' || child.attrelid::regclass || '.' || child.attname || ' may be null, and its parent table''s may not',
    'ALTER TABLE ... ALTER COLUMN ... SET NOT NULL'
FROM pg_inherits
JOIN pg_attribute AS child ON child.attrelid = inhrelid
JOIN pg_attribute AS parent ON parent.attrelid = inhparent AND parent.attname = child.attname
WHERE %(wanted)s >= 18 AND current_setting('server_version_num')::int < 180000 AND parent.attnum > 0 AND parent.attnotnull AND NOT child.attnotnull
UNION ALL
SELECT
    false, count(*) || ' large objects', 'each costs time and memory during the upgrade: rehearse with them, on a class with more'
FROM pg_largeobject_metadata
HAVING count(*) > 1000000
UNION ALL
SELECT false, 'subscription ' || subname, 'it is carried over from 17 on alone: note it down, and make it anew after the upgrade'
FROM pg_subscription
WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL
SELECT
    false, 'collations of the database are of version ' || datcollversion,
    'the server''s are of another: REINDEX what sorts text, then ALTER DATABASE ... REFRESH COLLATION VERSION'
FROM pg_database
WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)
ORDER BY what;
