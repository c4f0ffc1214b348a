-- A replication slot, which keeps the WAL that a read replica still needs.
SELECT pg_create_physical_replication_slot({slot});
