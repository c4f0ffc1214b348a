-- Everybody who is connected but oneself: what each does, since when, and who stands in the way.
-- Whoever has the lock of a run (see name_runner) is left out: to end that session would end the run.
-- Without pg_read_all_stats most columns of other roles' sessions are null (PostgreSQL 18, chapter 27.2.3); who
-- blocks whom is asked only of those that wait, since that takes a lock on the table of locks (table 9.71).
SELECT
    activity.pid,
    coalesce(activity.usename, activity.usesysid::text) AS "user",
    activity.datname AS database,
    host(activity.client_addr) AS address,
    activity.application_name AS application,
    activity.state,
    clock_timestamp() - activity.state_change AS age,
    activity.state_change AS changed,
    activity.backend_start AS started,
    concat_ws(' ', activity.wait_event_type, activity.wait_event) AS wait_event,
    encryption.ssl AS tls,
    CASE
        WHEN activity.state IS NULL OR activity.wait_event_type = 'Lock' THEN pg_blocking_pids(activity.pid)
        ELSE '{}'
    END AS blocked_by,
    activity.query
FROM pg_stat_activity AS activity
LEFT JOIN pg_stat_ssl AS encryption ON encryption.pid = activity.pid
WHERE activity.pid <> pg_backend_pid()
    AND NOT starts_with(coalesce(activity.application_name, ''), 'lock of ')
    AND activity.usesysid IS NOT NULL
    AND coalesce(activity.backend_type, 'client backend') = 'client backend'
ORDER BY activity.state_change, activity.pid;
