-- What a batch may take: it gives up rather than be in the way (PostgreSQL 18, chapter 19.11.1).
SET lock_timeout = '5s';
SET statement_timeout = '30s';
