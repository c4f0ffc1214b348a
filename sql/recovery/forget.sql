-- Takes the place for what comes away.
DROP TABLE {staged};
