-- How many clients are connected, those of rdsadmin left out.
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'rdsadmin';
