-- What logical replication sends: the changes of all tables.
CREATE PUBLICATION {name} FOR ALL TABLES;
