-- Who may do what in this database: each right as it is and as it should be, with the statement between.
--
-- The one place where rights are written down. Tables that are not there are left out: their rights come in
-- the transaction that makes them. `found` tells whether the role is there yet; until then it has what
-- everybody has.
WITH roles AS (
    SELECT wanted.rolname, pg_roles.rolname IS NOT NULL AS found, coalesce(pg_roles.rolname, 'public') AS now
    FROM (VALUES ('cruddur_owner'), ('cruddur_app'), ('cruddur_reader')) AS wanted (rolname)
    LEFT JOIN pg_roles USING (rolname)
), tables AS (
    SELECT oid, relname, relacl
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND pg_has_role(relowner, 'USAGE')
), application (relname, privilege) AS (
    VALUES -- a reply counts itself in the activity that it replies to
    ('users', 'INSERT'), ('users', 'SELECT'), ('users', 'UPDATE'),
    ('activities', 'INSERT'), ('activities', 'SELECT'), ('activities', 'UPDATE (replies_count)'),
    ('live_activities', 'SELECT')
), wanted AS (
    SELECT 'cruddur_app' AS rolname, relname, privilege FROM application JOIN tables USING (relname)
    UNION ALL
    SELECT 'cruddur_reader', relname, 'SELECT' FROM tables
), given (relname, grantee, privilege) AS (
    SELECT relname, grantee, privilege_type FROM tables CROSS JOIN aclexplode(relacl)
    UNION
    SELECT relname, grantee, format('%%s (%%I)', privilege_type, attname)
    FROM tables
    JOIN pg_attribute ON attrelid = tables.oid
    CROSS JOIN aclexplode(attacl)
), found AS (
    SELECT rolname, relname, privilege
    FROM given
    JOIN pg_roles ON pg_roles.oid = grantee
    WHERE rolname IN ('cruddur_app', 'cruddur_reader')
), tables_compared AS (
    SELECT
        roles.found,
        rolname || ' on ' || relname AS resource,
        string_agg(found.privilege, ', ' ORDER BY privilege) AS before,
        string_agg(wanted.privilege, ', ' ORDER BY privilege) AS after,
        'REVOKE ' || string_agg(privilege, ', ') FILTER (WHERE wanted.privilege IS NULL)
        || format(' ON %%I FROM %%I', relname, rolname) AS revoke,
        'GRANT ' || string_agg(privilege, ', ') FILTER (WHERE found.privilege IS NULL)
        || format(' ON %%I TO %%I', relname, rolname) AS "grant"
    FROM wanted
    FULL JOIN found USING (rolname, relname, privilege)
    JOIN roles USING (rolname)
    GROUP BY rolname, relname, roles.found
), others (found, rolname, place, privilege, granted) AS (
    SELECT found, rolname, format('DATABASE %%I', current_database()), 'CONNECT',
        has_database_privilege(now, current_database(), 'CONNECT')
    FROM roles
    UNION ALL
    SELECT found, rolname, 'SCHEMA public', 'USAGE', has_schema_privilege(now, 'public', 'USAGE') FROM roles
    UNION ALL
    SELECT found, rolname, 'SCHEMA public', 'CREATE', has_schema_privilege(now, 'public', 'CREATE')
    FROM roles
    WHERE rolname = 'cruddur_owner'
)
SELECT found, resource, before, after, concat_ws('; ', revoke, "grant") AS statement
FROM tables_compared
UNION ALL
SELECT found, rolname || ' on ' || place, NULL, privilege, format('GRANT %%s ON %%s TO %%I', privilege, place, rolname)
FROM others
WHERE NOT granted
ORDER BY resource;
