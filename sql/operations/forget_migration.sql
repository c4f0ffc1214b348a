-- Records that a migration was rolled back; part of the transaction that does it.
DELETE FROM schema_migrations WHERE version = %(version)s RETURNING version;
