-- Brings back what the live table lacks.
INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
SELECT {columns} FROM {staged} AS copied WHERE NOT EXISTS (SELECT FROM {table} AS live WHERE {same});
