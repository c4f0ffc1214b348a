-- The master user: no superuser, but one who creates databases and roles.
CREATE ROLE {master} LOGIN CREATEDB CREATEROLE VALID UNTIL 'infinity' IN ROLE rds_superuser;
GRANT rds_superuser TO {master} WITH ADMIN OPTION;
