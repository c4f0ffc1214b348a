-- On RDS the membership in rds_replication is enough; PostgreSQL asks for the attribute.
ALTER ROLE {role} REPLICATION;
