-- Gives a column the type text, with the text of each of its values.
ALTER TABLE {schema}.{table} ALTER COLUMN {column} TYPE text;
