-- Of rows that nobody asked for only those stay that the live table lacks.
DELETE FROM {staged} AS copied USING {table} AS live WHERE {same};
