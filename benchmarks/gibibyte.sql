-- Fills a table with 1 GiB, of rows that are too short to be compressed.
CREATE TABLE gibibyte AS
SELECT number, repeat(md5(number::text), 31) AS filler
FROM generate_series(1, 1000000) AS number;
