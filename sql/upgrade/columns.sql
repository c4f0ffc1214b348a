-- Columns of types that pg_upgrade does not carry over, also inside of domains, arrays and composite types.
-- PostgreSQL 18, pg_upgrade's check.c; aclitem changed in 16, the times went in 12.
WITH RECURSIVE unfit (type, because) AS (
    SELECT pg_type.oid, typname::text
    FROM pg_type
    WHERE typnamespace = 'pg_catalog'::regnamespace AND (
        typname IN (
            'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator', 'regproc', 'regprocedure',
            'unknown', 'abstime', 'reltime', 'tinterval'
        )
        OR (typname = 'aclitem' AND current_setting('server_version_num')::int < 160000 AND %(wanted)s >= 16)
    )
    UNION
    SELECT holder.type, because
    FROM unfit
    JOIN LATERAL (
        SELECT oid AS type FROM pg_type WHERE typbasetype = unfit.type OR (typelem = unfit.type AND typlen = -1)
        UNION ALL
        SELECT reltype FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relkind = 'c' AND atttypid = unfit.type AND NOT attisdropped
    ) AS holder ON true
)
SELECT DISTINCT nspname AS schema, relname AS table, attname AS column, atttypid::regtype::text AS type, because, relkind IN ('r', 'p')
    AND typname = because AND NOT attispartition_key AS plain
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
JOIN unfit ON unfit.type = atttypid
JOIN pg_type ON pg_type.oid = atttypid,
    LATERAL (SELECT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = attrelid AND attnum = ANY (partattrs))) AS key (attispartition_key)
WHERE relkind IN ('r', 'm', 'p', 'i') AND attnum > 0 AND NOT attisdropped
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
ORDER BY nspname, relname, attname;
