-- The rows of a table as they would be, until the end of the transaction.
CREATE TEMPORARY VIEW {converted} AS SELECT {columns} FROM {table};
