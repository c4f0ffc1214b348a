-- Send changes no longer.
DROP PUBLICATION IF EXISTS {name};
