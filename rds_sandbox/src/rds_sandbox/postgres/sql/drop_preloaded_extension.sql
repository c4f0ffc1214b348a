-- What the sandbox created itself, and the target of an upgrade lacks; refused where something depends on it.
DROP EXTENSION IF EXISTS pg_stat_statements;
