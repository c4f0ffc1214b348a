-- Brings back what the live table has otherwise.
UPDATE {table} AS live SET {assignments} FROM {staged} AS copied WHERE {same} AND ({differs});
