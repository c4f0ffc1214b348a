-- Whether the subscribers of these slots have all changes until there.
SELECT coalesce(bool_and(confirmed_flush_lsn >= %(lsn)s::pg_lsn), false) FROM pg_replication_slots WHERE slot_name = ANY (%(slots)s);
