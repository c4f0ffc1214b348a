-- Whether somebody takes the changes from each of these slots.
SELECT count(*) = cardinality(%(slots)s::text[]) FROM pg_replication_slots WHERE active AND slot_name = ANY (%(slots)s);
