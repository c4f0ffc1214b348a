-- Whether the current user can make databases, and the roles where the server lacks one.
SELECT rolsuper OR rolcreatedb AS databases, rolsuper OR rolcreaterole OR (
    SELECT count(*) = 3 FROM pg_roles WHERE rolname IN ('cruddur_owner', 'cruddur_app', 'cruddur_reader')
) AS roles
FROM pg_roles
WHERE rolname = current_user;
