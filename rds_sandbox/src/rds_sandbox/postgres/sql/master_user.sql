-- The master user: no superuser, but one who creates databases and roles.
CREATE ROLE {master} LOGIN CREATEDB CREATEROLE VALID UNTIL 'infinity';
GRANT rds_superuser TO {master} WITH ADMIN OPTION;
