-- A place for the rows of a copy until the end of the transaction, each by its key.
CREATE TEMPORARY TABLE {staged} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA;
