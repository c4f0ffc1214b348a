-- Begin a base backup; a checkpoint comes first, at full speed.
SELECT pg_backup_start('sandbox', fast => true);
