-- A schema of its own for the tables as they should be, until they take the place of those that are there.
CREATE SCHEMA {scratch};
