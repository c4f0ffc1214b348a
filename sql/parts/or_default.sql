-- A value, and the default where there is none.
coalesce({value}, {default})
