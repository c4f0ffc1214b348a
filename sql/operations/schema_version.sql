-- Which version of the schema the database has, and which sql/schema.sql that was: its checksum, since when, by whom.
SELECT
    max(schema_migrations.version) AS version,
    latest.checksum,
    latest.loaded_at,
    latest.loaded_by
FROM schema_migrations
LEFT JOIN LATERAL (SELECT checksum, loaded_at, loaded_by FROM schema_history ORDER BY id DESC LIMIT 1) AS latest ON true
GROUP BY latest.checksum, latest.loaded_at, latest.loaded_by;
