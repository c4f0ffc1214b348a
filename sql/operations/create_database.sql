-- Creates a database that can hold any message, owned by whoever creates it; not in a transaction.
-- template1 may have another encoding, template0 has none of its own (PostgreSQL 18, chapter 22.3).
CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8';
