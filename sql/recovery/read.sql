-- The rows of the copy.
COPY (SELECT {columns} FROM {table} WHERE ({condition}
)) TO STDOUT;
