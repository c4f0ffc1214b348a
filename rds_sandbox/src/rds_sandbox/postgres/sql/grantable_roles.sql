-- Roles that rds_superuser may grant without having them: else it would read pg_authid, which is closed on RDS, and log in by IAM.
GRANT pg_read_all_data, pg_write_all_data, rds_iam TO rds_superuser WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
