-- Whether a session waits for another one's lock.
SELECT cardinality(pg_blocking_pids(%(pid)s)) > 0 AS blocked;
