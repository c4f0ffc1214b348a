-- Takes such a view away.
DROP VIEW {converted};
