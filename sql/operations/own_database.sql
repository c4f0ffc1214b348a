-- Gives a database to the role that owns all its objects.
ALTER DATABASE {database} OWNER TO {owner};
