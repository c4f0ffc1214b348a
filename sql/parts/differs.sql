-- Whether a column of a copied row is otherwise in the live one.
copied.{column}::text IS DISTINCT FROM live.{column}::text
