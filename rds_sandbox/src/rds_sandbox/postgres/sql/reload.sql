-- Read the configuration files anew.
SELECT pg_reload_conf();
