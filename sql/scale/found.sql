-- The server's time, and the first user of a seed number: null where none of its data are there.
SELECT now() AS now, (SELECT uuid FROM users WHERE lower(handle) = :handle) AS user_uuid;
