-- How PostgreSQL would run a query (PostgreSQL 18, chapter 14.1); it is not run.
EXPLAIN (FORMAT JSON) {statement};
