-- The migrations that the schema in the database has, oldest first.
SELECT version, name FROM schema_migrations ORDER BY version;
