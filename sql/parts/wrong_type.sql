-- Of a row: its text is none that the type understands.
{column} IS NOT NULL AND NOT pg_input_is_valid({column}::text, {type})
