-- Creates a database that can hold any message, of the role that owns all its objects; not in a transaction.
-- template1 may have another encoding, template0 has none of its own (PostgreSQL 18, chapter 22.3).
CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8';
