-- What a batch may take: it gives up rather than be in the way (PostgreSQL 18, chapter 19.11.1).
SELECT set_config('lock_timeout', '5s', false), set_config('statement_timeout', '30s', false);
