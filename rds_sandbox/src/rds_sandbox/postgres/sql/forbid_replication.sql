-- Of a role that is no longer in rds_replication.
ALTER ROLE {role} NOREPLICATION;
