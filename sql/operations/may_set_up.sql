-- Whether the current user can make a database anew, and the roles in it, where the server lacks one.
SELECT rolsuper OR rolcreatedb AND (rolcreaterole OR (
    SELECT count(*) = 3 FROM pg_roles WHERE rolname IN ('cruddur_owner', 'cruddur_app', 'cruddur_reader')
)) AS allowed
FROM pg_roles
WHERE rolname = current_user;
