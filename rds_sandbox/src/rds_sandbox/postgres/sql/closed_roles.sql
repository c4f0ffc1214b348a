-- Before 16 whoever creates roles grants all but superusers: those that reach the files and programs of the machine count as such.
UPDATE pg_authid SET rolsuper = true
WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files');
