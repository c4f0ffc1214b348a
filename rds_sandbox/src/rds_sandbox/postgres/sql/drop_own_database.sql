-- Before pg_upgrade, which brings the old server's.
DROP DATABASE IF EXISTS rdsadmin;
