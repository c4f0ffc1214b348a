-- The roles of this project as they are, seen by whoever asks.
--
-- `usable`: whether this user has the role's rights and may SET ROLE to it. `grantable`: whether it may
-- grant pg_monitor, which on RDS the master user may.
SELECT
    wanted.role,
    pg_roles.oid IS NOT NULL AS found,
    coalesce(pg_roles.rolcanlogin, false) AS login,
    CASE WHEN pg_roles.oid IS NULL THEN false ELSE pg_has_role(pg_roles.oid, 'USAGE') END AS usable,
    CASE WHEN pg_roles.oid IS NULL THEN false ELSE pg_has_role(pg_roles.oid, 'pg_monitor', 'USAGE') END AS monitor,
    pg_has_role('pg_monitor', 'MEMBER WITH ADMIN OPTION') AS grantable
FROM (VALUES (1, 'cruddur_owner'), (2, 'cruddur_app'), (3, 'cruddur_reader')) AS wanted (number, role)
LEFT JOIN pg_roles ON pg_roles.rolname = wanted.role
ORDER BY number;
