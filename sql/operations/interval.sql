-- A length of time as somebody wrote it, such as 30m, 1h30m or 2d (PostgreSQL 18, chapter 8.5.4).
SELECT CAST(%(text)s AS interval) AS length;
