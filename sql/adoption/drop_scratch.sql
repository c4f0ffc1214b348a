-- Takes the schema away, empty by now.
DROP SCHEMA {scratch};
