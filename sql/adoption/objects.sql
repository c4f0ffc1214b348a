-- Everything that was made in a schema, as the statements that move it to public.
SELECT format('ALTER %%s %%I.%%I SET SCHEMA public', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
    WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, %(schema)s::text, relname) AS statement
FROM pg_class
WHERE relnamespace = to_regnamespace(%(schema)s) AND relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND classid = 'pg_class'::regclass AND deptype IN ('i', 'a'))
UNION ALL
SELECT format('ALTER ROUTINE %%s SET SCHEMA public', oid::regprocedure) FROM pg_proc WHERE pronamespace = to_regnamespace(%(schema)s)
UNION ALL
SELECT format('ALTER TYPE %%s SET SCHEMA public', oid::regtype)
FROM pg_type
WHERE typnamespace = to_regnamespace(%(schema)s) AND typtype IN ('e', 'd', 'r') AND typelem = 0;
