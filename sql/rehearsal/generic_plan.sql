-- How PostgreSQL, from 16 on, would run a statement whatever its values are, which stand as $1, $2 and so on; it is not run.
EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement};
