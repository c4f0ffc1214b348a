-- Of a row: a column that needs a value has none.
{column} IS NULL
