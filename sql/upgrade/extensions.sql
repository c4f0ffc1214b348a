-- The extensions of a database, in the version that it has, and the one that the server would bring them to.
SELECT extname AS name, extversion AS installed, default_version AS offered
FROM pg_extension
JOIN pg_available_extensions ON pg_available_extensions.name = extname
ORDER BY extname;
