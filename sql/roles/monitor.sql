-- Lets a role see the sessions and statistics of all (PostgreSQL 18, chapter 21.5).
GRANT pg_monitor TO {role};
