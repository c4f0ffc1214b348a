-- Tells the planner anew what is in the tables of this database.
ANALYZE;
