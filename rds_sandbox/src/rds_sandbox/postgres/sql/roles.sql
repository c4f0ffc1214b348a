-- The roles that every RDS for PostgreSQL instance has, beside rdsadmin.
CREATE ROLE rds_replication NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_password NOLOGIN;
CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE rdsrepladmin NOLOGIN REPLICATION;
GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
GRANT rds_replication, rds_password TO rds_superuser WITH ADMIN OPTION;
-- Of PostgreSQL's superusers' settings this is rds_superuser's, too (the parameter rds.superuser_variables).
GRANT SET ON PARAMETER session_replication_role TO rds_superuser;
