-- Drops a database and ends its sessions in one step, so that no one can come back in between; not in a transaction.
-- PostgreSQL ends none of them where there is one that this user may not end, such as a superuser's.
DROP DATABASE {database} WITH (FORCE);
