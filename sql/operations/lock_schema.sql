-- Lets one load or seed at a time through, until the end of its transaction.
-- The number is this project's own: advisory locks mean what their users agree on (PostgreSQL 18, chapter 13.3.5).
SELECT pg_advisory_xact_lock(8732001);
