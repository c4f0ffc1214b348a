-- Drops a database that nobody is connected to; not in a transaction.
DROP DATABASE {database};
