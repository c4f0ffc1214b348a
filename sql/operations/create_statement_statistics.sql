-- Creates the extension that counts statements and their time.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
