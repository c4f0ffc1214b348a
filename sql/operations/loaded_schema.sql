-- The version of the schema in the database, and the checksum of the schema.sql that it last was.
SELECT
    (SELECT max(version) FROM schema_migrations) AS version,
    (SELECT checksum FROM schema_history ORDER BY id DESC LIMIT 1) AS checksum;
