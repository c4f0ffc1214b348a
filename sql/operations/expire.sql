-- Removes one batch of activities that have expired, those first that did so first; tells how many.
-- A row that somebody has locked, to reply to it for instance, is left to a later run. Live replies to
-- what is removed stay, as activities of their own.
WITH expired AS (
    SELECT uuid
    FROM activities
    WHERE expires_at <= now()
    ORDER BY expires_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM activities
    USING expired
    WHERE activities.uuid = expired.uuid
    RETURNING activities.uuid
)
SELECT count(*) AS removed FROM removed;
