-- Which of these roles, in capitals, and of these settings the server does not know.
SELECT name
FROM unnest(CAST(%(roles)s AS text[])) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE upper(rolname) = name)
UNION ALL
SELECT name
FROM unnest(CAST(%(settings)s AS text[])) AS name
WHERE current_setting(name, true) IS NULL;
