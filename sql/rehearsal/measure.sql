-- Runs a statement, and tells how and for how long (PostgreSQL 18, chapter 14.1).
EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement};
