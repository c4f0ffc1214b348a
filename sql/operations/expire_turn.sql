-- Lets one batch after another through, also those of two who remove expired activities at once.
-- By way of the replies each of them could wait for rows of the other. It lasts until the end of the
-- transaction; the number is this project's own (PostgreSQL 18, chapter 13.3.5).
SELECT pg_advisory_xact_lock(8732004);
