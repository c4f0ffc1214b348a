-- Lets the planner know what is in the tables: for the plans before and after to differ by what was done, and nothing else.
ANALYZE;
