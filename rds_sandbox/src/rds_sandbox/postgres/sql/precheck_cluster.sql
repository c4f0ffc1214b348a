-- What keeps a whole cluster from a major upgrade on RDS (User Guide, "How to perform a major version upgrade").
SELECT reason
FROM (VALUES
  (EXISTS (SELECT FROM pg_prepared_xacts),
   'There are uncommitted prepared transactions. Please commit or rollback all prepared transactions.'),
  (EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical') AND current_setting('server_version_num')::int < 170000,
   'One or more databases have logical replication slots. Please drop all logical replication slots and try again.'),
  (EXISTS (SELECT FROM pg_database WHERE datconnlimit = -2), 'One or more databases are invalid. Drop them.')
) AS found (holds, reason)
WHERE holds;
