-- Whether nobody else runs a migration outside of a transaction; until the end of this session.
SELECT pg_try_advisory_lock(8732002) AS locked;
