-- Adds rows to those that came before; returns how many are new.
WITH added AS (INSERT INTO {staged} SELECT * FROM {incoming} ON CONFLICT DO NOTHING RETURNING 1)
SELECT count(*) AS rows FROM added;
