-- Whether a server is the source or the target of logical replication that somebody set up, other than by these slots.
SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical' AND slot_name <> ALL (%(slots)s))
    OR EXISTS (SELECT FROM pg_subscription WHERE subname <> %(own)s);
