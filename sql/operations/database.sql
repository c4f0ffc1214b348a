-- A database as the server knows it, from whichever database one asks: owner, comment; no row where it is not there.
SELECT pg_get_userbyid(datdba) AS owner, shobj_description(oid, 'pg_database') AS comment
FROM pg_database
WHERE datname = coalesce(%(database)s, current_database());
