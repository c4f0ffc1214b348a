-- What a major upgrade would stumble over (RDS User Guide, "How to perform a major version upgrade for RDS for PostgreSQL").
SELECT 'open prepared transaction ' || gid || ': commit or roll it back' AS problem
FROM pg_prepared_xacts
UNION ALL
SELECT 'invalid database ' || datname || ': drop it'
FROM pg_database
WHERE datconnlimit = -2
UNION ALL
SELECT 'logical replication slot ' || slot_name || ': drop it'
FROM pg_replication_slots
WHERE slot_type = 'logical'
UNION ALL
SELECT DISTINCT 'column ' || attrelid::regclass || '.' || attname || ' of type ' || atttypid::regtype || ': change its type'
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'm', 'i') AND NOT attisdropped AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
    AND atttypid::regtype::text IN (
        'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator', 'regproc', 'regprocedure',
        'unknown'
    )
ORDER BY 1;
