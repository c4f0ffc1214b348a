-- Keeps a database for one run of the notebooks, until the session ends; false where another has it.
-- The first number is this project's own, the second stands for the database, which may not exist yet.
SELECT pg_try_advisory_lock(8732003, hashtext(%(database)s)) AS locked;
