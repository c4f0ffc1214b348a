-- The database that CreateDBInstance names in DBName.
CREATE DATABASE {database} OWNER {master};
