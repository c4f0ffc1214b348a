-- Ends a session, if it still is the one that was seen: a pid is used again, and an idle session may have woken up.
-- No row where it is gone; false where it did not end within five seconds.
SELECT pg_terminate_backend(pid, 5000) AS ended
FROM pg_stat_activity
WHERE pid = %(pid)s
    AND backend_start IS NOT DISTINCT FROM %(started)s
    AND (NOT %(still_idle)s OR state_change IS NOT DISTINCT FROM %(changed)s);
