-- Keep all WAL from here on, for as long as this session lasts.
SELECT pg_create_physical_replication_slot('backup_' || pg_backend_pid(), true, true);
