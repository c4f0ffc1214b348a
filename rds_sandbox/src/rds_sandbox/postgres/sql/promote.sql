-- End the recovery of a standby server, and wait for it.
SELECT pg_promote();
