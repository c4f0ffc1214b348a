-- The extension whose library is preloaded, where the master user cannot create it.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
