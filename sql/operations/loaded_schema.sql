-- The checksum of the schema that was loaded last; no row where none was.
SELECT checksum FROM schema_history ORDER BY version DESC LIMIT 1;
