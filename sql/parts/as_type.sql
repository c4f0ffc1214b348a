-- The value of a column, of the type that it is to have.
CAST({value} AS {type})
