-- What is the same or not from one target to the next: extensions with their versions.
SELECT extname AS name, extversion AS version FROM pg_extension ORDER BY extname;
