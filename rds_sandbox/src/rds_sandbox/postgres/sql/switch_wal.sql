-- End the present WAL file, so that it is archived; its name.
SELECT pg_walfile_name(pg_switch_wal());
