-- Who may do what in this database: each right as it is and as it should be, with the statement between.
--
-- The one place where rights are written down. The reader reads every table and view. The application has what `application`
-- lists, where the tables are Cruddur's; of any other schema it reads, writes and deletes all rows but those of the bookkeeping.
-- What is not there is left out: its rights come in the transaction that makes it. `found` tells whether the role is there yet;
-- until then it has what everybody has.
WITH roles AS (
    SELECT wanted.rolname, pg_roles.rolname IS NOT NULL AS found, coalesce(pg_roles.rolname, 'public') AS now
    FROM (VALUES ('cruddur_owner'), ('cruddur_app'), ('cruddur_reader')) AS wanted (rolname)
    LEFT JOIN pg_roles USING (rolname)
), tables AS (
    SELECT
        pg_class.oid, nspname, relname, relkind,
        CASE nspname WHEN 'public' THEN relname::text ELSE nspname || '.' || relname END AS named,
        format(CASE relkind WHEN 'S' THEN 'SEQUENCE %%I.%%I' ELSE '%%I.%%I' END, nspname, relname) AS place,
        relacl
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relpersistence <> 't' AND pg_has_role(relowner, 'USAGE')
        AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
        -- An extension has rights of its own, and the sequence of an identity column needs none (PostgreSQL 18, CREATE TABLE).
        AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('e', 'i')
        )
), application (named, privilege) AS (
    VALUES -- a reply counts itself in the activity that it replies to
    ('users', 'INSERT'), ('users', 'SELECT'), ('users', 'UPDATE'),
    ('activities', 'INSERT'), ('activities', 'SELECT'), ('activities', 'UPDATE (replies_count)'),
    ('live_activities', 'SELECT')
), cruddur (is_there) AS (
    SELECT count(*) = 2 FROM tables WHERE named IN ('users', 'activities')
), everything (relkind, privilege) AS (
    VALUES
    ('r', 'DELETE'), ('r', 'INSERT'), ('r', 'SELECT'), ('r', 'UPDATE'),
    ('p', 'DELETE'), ('p', 'INSERT'), ('p', 'SELECT'), ('p', 'UPDATE'),
    ('v', 'DELETE'), ('v', 'INSERT'), ('v', 'SELECT'), ('v', 'UPDATE'),
    ('m', 'SELECT'), ('S', 'SELECT'), ('S', 'USAGE')
), wanted AS (
    SELECT 'cruddur_app' AS rolname, named, privilege FROM application JOIN tables USING (named) JOIN cruddur ON is_there
    UNION ALL
    SELECT 'cruddur_app', named, privilege
    FROM everything
    JOIN tables ON tables.relkind::text = everything.relkind
    JOIN cruddur ON NOT is_there
    WHERE relname NOT IN ('schema_migrations', 'schema_history', 'restore_markers')
    UNION ALL
    SELECT 'cruddur_reader', named, 'SELECT' FROM tables WHERE relkind <> 'S'
), given (named, grantee, privilege) AS (
    SELECT named, grantee, privilege_type FROM tables CROSS JOIN aclexplode(relacl)
    UNION
    SELECT named, grantee, format('%%s (%%I)', privilege_type, attname)
    FROM tables
    JOIN pg_attribute ON attrelid = tables.oid
    CROSS JOIN aclexplode(attacl)
), found AS (
    SELECT rolname, named, privilege
    FROM given
    JOIN pg_roles ON pg_roles.oid = grantee
    WHERE rolname IN ('cruddur_app', 'cruddur_reader')
), tables_compared AS (
    SELECT
        roles.found,
        rolname || ' on ' || named AS resource,
        string_agg(found.privilege, ', ' ORDER BY privilege) AS before,
        string_agg(wanted.privilege, ', ' ORDER BY privilege) AS after,
        'REVOKE ' || string_agg(privilege, ', ') FILTER (WHERE wanted.privilege IS NULL)
        || format(' ON %%s FROM %%I', place, rolname) AS revoke,
        'GRANT ' || string_agg(privilege, ', ') FILTER (WHERE found.privilege IS NULL)
        || format(' ON %%s TO %%I', place, rolname) AS "grant"
    FROM wanted
    FULL JOIN found USING (rolname, named, privilege)
    JOIN roles USING (rolname)
    JOIN tables USING (named)
    GROUP BY rolname, named, place, roles.found
), schemas AS (
    SELECT DISTINCT nspname FROM tables UNION SELECT 'public'
), others (found, rolname, place, privilege, granted) AS (
    SELECT found, rolname, format('DATABASE %%I', current_database()), 'CONNECT',
        has_database_privilege(now, current_database(), 'CONNECT')
    FROM roles
    UNION ALL
    SELECT found, rolname, format('SCHEMA %%I', nspname), 'USAGE', has_schema_privilege(now, nspname, 'USAGE')
    FROM roles
    CROSS JOIN schemas
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
