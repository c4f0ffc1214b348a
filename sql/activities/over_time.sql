-- How many activities were posted on each of the last days (UTC), days without any included.
WITH posted AS (
    SELECT (now() AT TIME ZONE 'UTC')::date - (created_at AT TIME ZONE 'UTC')::date AS days_ago
    FROM activities
    WHERE created_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %(days)s - 1)
)
SELECT
    (now() AT TIME ZONE 'UTC')::date - days_ago AS day,
    days_ago,
    count(posted.days_ago) AS activities
FROM generate_series(0, %(days)s - 1) AS days (days_ago)
LEFT JOIN posted USING (days_ago)
GROUP BY days_ago
ORDER BY days_ago DESC;
