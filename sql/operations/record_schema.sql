-- Records that the schema is that of schema.sql now; part of the transaction that makes it so.
INSERT INTO schema_history (version, checksum) VALUES (%(version)s, %(checksum)s) RETURNING id;
