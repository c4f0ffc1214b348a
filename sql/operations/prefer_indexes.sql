-- Lets the planner read a whole table only where no index will do, until the transaction ends.
SET LOCAL enable_seqscan = off;
