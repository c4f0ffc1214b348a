-- What stands in the way of a major upgrade of the whole server, or wants a look, each with its remedy.
-- RDS User Guide, "How to perform a major version upgrade for RDS for PostgreSQL"; PostgreSQL 18, pg_upgrade's reference page.
SELECT true AS blocks, 'open prepared transaction ' || gid AS what, 'commit it or roll it back' AS remedy
FROM pg_prepared_xacts
UNION ALL
SELECT true, 'invalid database ' || datname, 'its removal was cut off: ask whose it was, then drop it'
FROM pg_database
WHERE datconnlimit = -2
UNION ALL
SELECT
    current_setting('server_version_num')::int < 170000, 'logical replication slot ' || slot_name,
    'let its consumer catch up, drop it, and make it anew after the upgrade'
FROM pg_replication_slots
WHERE slot_type = 'logical'
UNION ALL
SELECT true, 'role ' || rolname, 'names that begin with pg_ are PostgreSQL''s own: ALTER ROLE ... RENAME TO another'
FROM pg_roles
WHERE rolname LIKE 'pg\_%%' AND oid >= 16384
UNION ALL
SELECT true, 'the name of database ' || quote_ident(datname), 'RDS''s scripts cannot read it: rename it to letters, digits, _ and -'
FROM pg_database
WHERE datname !~ '^[[:alnum:]_-]+$'
UNION ALL
SELECT false, 'database ' || datname || ' is a template or takes no connections', 'RDS looks into it all the same: so should you'
FROM pg_database
WHERE (datistemplate OR NOT datallowconn) AND datconnlimit <> -2 AND datname NOT IN ('template0', 'template1', 'rdsadmin')
UNION ALL
SELECT false, 'session of ' || usename || ' in template1', 'pg_upgrade wants it for itself: end the session'
FROM pg_stat_activity
WHERE datname = 'template1'
UNION ALL
SELECT
    false, 'transaction of ' || usename || ' in ' || datname || ', open for more than ten minutes',
    'it is rolled back by the upgrade: wait for its end, `cruddur-ops db sessions` shows it'
FROM pg_stat_activity
WHERE xact_start < now() - interval '10 minutes' AND backend_type = 'client backend'
ORDER BY what;
