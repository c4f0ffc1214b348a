-- How many activities have expired and are still there.
SELECT count(*) AS expired FROM activities WHERE expires_at <= now();
