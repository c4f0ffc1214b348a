-- Waits until the next whole second of the server's clock is over, and returns that second.
SELECT moment
FROM (SELECT date_trunc('second', clock_timestamp()) + interval '1 second' AS moment OFFSET 0) AS next
CROSS JOIN LATERAL pg_sleep(extract(epoch FROM moment - clock_timestamp()) + 0.1);
