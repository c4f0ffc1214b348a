-- Records that the schema has a migration; part of the transaction that makes it so.
INSERT INTO schema_migrations (version, name) VALUES (%(version)s, %(name)s) RETURNING version;
