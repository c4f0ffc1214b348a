-- The name of a column, where it differs.
CASE WHEN {differs} THEN {name} END
