-- What a step may change by the way, by kind and name: to be held against the same after it.
-- On every version from 14 on: what an older one does not know is left out.
SELECT 'sequence' AS kind, format('%%s.%%s', schemaname, sequencename) AS name, last_value::text AS value
FROM pg_sequences
UNION ALL
SELECT 'owner and rights', format('%%s.%%s', nspname, relname),
    concat_ws(' ', relowner::regrole, (SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(relacl) AS item))
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%%'
UNION ALL
SELECT 'setting', name, setting
FROM pg_settings
WHERE context <> 'internal' AND category <> 'File Locations' AND source NOT IN ('client', 'session')
    AND name !~ '(_file|_dir|_directory|_directories|_command|_library|_name|^port|^listen_addresses)$'
    AND name !~ '^(recovery|ssl|krb|gss|hot_standby|extension_control_path)'
UNION ALL
SELECT 'extension', extname, extversion FROM pg_extension
UNION ALL
SELECT 'collation', 'of the database', to_jsonb(pg_database) ->> 'datcollversion'
FROM pg_database
WHERE datname = current_database()
UNION ALL
SELECT 'collation', collname, format('made with %%s, runs with %%s', collversion, pg_collation_actual_version(oid))
FROM pg_collation
WHERE collversion IS DISTINCT FROM pg_collation_actual_version(oid);
