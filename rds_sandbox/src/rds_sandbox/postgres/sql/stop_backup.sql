-- End the base backup of this session: the label that goes with the copy, and where its WAL ends, in bytes.
SELECT labelfile, (lsn - '0/0')::bigint FROM pg_backup_stop(wait_for_archive => false);
