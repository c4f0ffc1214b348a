-- Writes into a database which environment it belongs to.
COMMENT ON DATABASE {database} IS {comment};
