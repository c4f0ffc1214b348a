-- End what still streams from a replication slot; waits up to five seconds.
SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = {slot} AND active;
