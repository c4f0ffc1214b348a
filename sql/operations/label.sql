-- Labels a database with the environment that it belongs to.
COMMENT ON DATABASE {database} IS {comment};
