-- Who holds a database for a run of the notebooks, and since when; the time is null without pg_read_all_stats.
-- The keys of an advisory lock are oids in the table of locks (PostgreSQL 18, chapter 53.13): unsigned.
SELECT
    activity.application_name AS holder,
    activity.backend_start AS since
FROM pg_locks AS lock
JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
WHERE lock.locktype = 'advisory'
    AND lock.granted
    AND lock.objsubid = 2
    AND lock.classid = 8732003
    AND lock.objid = (hashtext(%(database)s)::bigint & 4294967295)::oid
    AND activity.datname = current_database();
