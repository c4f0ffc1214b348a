-- What is made in it belongs to the schema's owner.
ALTER SCHEMA {scratch} OWNER TO {owner};
