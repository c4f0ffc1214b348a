-- The key of that place: a row that comes by two ways is one.
ALTER TABLE {staged} ADD PRIMARY KEY ({key});
