-- Text that the type understands, else nothing.
CASE WHEN pg_input_is_valid({column}, {type}) THEN {column} END
