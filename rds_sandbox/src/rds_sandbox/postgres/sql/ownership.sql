-- The databases that exist from the start, as RDS hands them over.
ALTER DATABASE postgres OWNER TO {master};
ALTER DATABASE template1 OWNER TO {master};
