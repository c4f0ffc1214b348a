-- Writes a marker, in the transaction that counted the tables; one of the same label is moved to this moment.
INSERT INTO restore_markers (label, marked_at, tables)
VALUES (%(label)s, clock_timestamp(), CAST(%(tables)s AS jsonb))
ON CONFLICT (label) DO UPDATE SET marked_at = excluded.marked_at, tables = excluded.tables
RETURNING marked_at;
