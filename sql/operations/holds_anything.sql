-- Whether the database holds any table, view or sequence beside PostgreSQL's own, in whichever schema.
SELECT EXISTS (
    SELECT FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
) AS holds_anything;
