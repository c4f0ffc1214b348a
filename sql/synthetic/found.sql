-- The first user of a seed number; no row where none of its data are there.
SELECT uuid FROM users WHERE lower(handle) = %(handle)s;
