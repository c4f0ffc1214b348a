-- The extensions of a database, in the version that it has and the one that the server would bring them to.
-- May the user who connects do that? The owner may, and on RDS the administrators.
SELECT extname AS name, extversion AS installed, default_version AS offered, pg_has_role(extowner, 'USAGE') OR EXISTS (
    SELECT FROM pg_roles WHERE rolname = 'rds_superuser' AND pg_has_role(pg_roles.oid, 'USAGE')
) AS allowed
FROM pg_extension
JOIN pg_available_extensions ON pg_available_extensions.name = extname
ORDER BY extname;
