-- Frees a database for the next run. Closing the connection would do so too, but only once the server has noticed.
SELECT pg_advisory_unlock(8732003, hashtext(%(database)s)) AS unlocked;
