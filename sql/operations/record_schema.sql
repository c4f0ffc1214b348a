-- Records that the schema was loaded; part of the transaction that loads it.
INSERT INTO schema_history (checksum) VALUES (:checksum);
