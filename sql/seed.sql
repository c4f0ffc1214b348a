-- The users and activities that a new database starts with: tells for each row whether it was created.
--
-- One statement, so that it happens whole or not at all. A row is offered to a database once: its
-- key in seed_history keeps a later run from bringing back what was deleted, or touching what was
-- changed. Times are whole days from now (and a second per row, for their order).
WITH wanted_users (number, handle, display_name, email) AS (
    VALUES
    (1, 'andrew', 'Andrew Brown', 'andrew@example.com'),
    (2, 'bayko', 'Andrew Bayko', 'bayko@example.com'),
    (3, 'londo', 'Londo Mollari', 'londo@example.com'),
    (4, 'delenn', 'Delenn of Mir', 'delenn@example.com')
), wanted_activities (number, handle, days_ago, days_to_live, reply_to, replies, likes, message) AS (
    VALUES
    (1, 'andrew', 6, 90, NULL, 1, 5, 'The first crud is the hardest.'),
    (2, 'bayko', 6, 90, 1, 0, 1, 'And the second one writes itself.'),
    (3, 'londo', 5, 90, NULL, 0, 2, 'A republic is only as good as its backups.'),
    (4, 'andrew', 4, 90, NULL, 2, 8, 'Moved the database to RDS today: one command, eight minutes of waiting.'),
    (5, 'delenn', 4, 90, 4, 0, 3, 'Patience is a status, too: it is called creating.'),
    (6, 'bayko', 4, 90, 4, 0, 1, 'Did you close port 5432 again?'),
    (7, 'londo', 3, 2, NULL, 0, 0, 'This one has expired: nobody should see it any more.'),
    (8, 'bayko', 2, 90, NULL, 0, 4, 'Postgres, Lambda and coffee ☕, in no particular order.'),
    (9, 'delenn', 2, 90, NULL, 0, 6, 'Understanding is a three-edged sword: yours, mine, and the query planner''s.'),
    (10, 'andrew', 1, 90, NULL, 1, 7, 'Free tier reminder: stop what you do not use.'),
    (11, 'londo', 1, 90, 10, 0, 2, 'My shoes are too tight, but at least my instances are small.'),
    (12, 'andrew', 0, 90, NULL, 0, 9, 'Cloud is fun! 🎉')
), wanted (seed_key) AS (
    SELECT 'user ' || handle FROM wanted_users
    UNION ALL
    SELECT 'activity ' || number || ' of ' || handle FROM wanted_activities
), fresh AS (
    INSERT INTO seed_history (seed_key)
    SELECT seed_key FROM wanted
    ON CONFLICT DO NOTHING
    RETURNING seed_key
), new_users AS (
    INSERT INTO users (uuid, handle, display_name, email)
    SELECT ('00000000-0000-4000-8000-0000000001' || lpad(number::text, 2, '0'))::uuid, handle, display_name, email
    FROM wanted_users
    WHERE 'user ' || handle IN (SELECT seed_key FROM fresh)
    ON CONFLICT DO NOTHING
    RETURNING uuid, handle
), authors AS (
    -- A statement does not see what its own parts insert (PostgreSQL 18, chapter 7.8.4).
    SELECT uuid, handle FROM users
    UNION
    SELECT uuid, handle FROM new_users
), new_activities AS (
    INSERT INTO activities
        (uuid, user_uuid, message, replies_count, likes_count, reply_to_activity_uuid, created_at, expires_at)
    SELECT
        ('00000000-0000-4000-8000-0000000002' || lpad(number::text, 2, '0'))::uuid,
        authors.uuid,
        message,
        replies,
        likes,
        ('00000000-0000-4000-8000-0000000002' || lpad(reply_to::text, 2, '0'))::uuid,
        now() - make_interval(days => days_ago, secs => 20 - number),
        now() - make_interval(days => days_ago - days_to_live)
    FROM wanted_activities
    JOIN authors USING (handle)
    WHERE 'activity ' || number || ' of ' || handle IN (SELECT seed_key FROM fresh)
    ON CONFLICT DO NOTHING
    RETURNING uuid
)
SELECT resource, created
FROM (
    SELECT 1, number, 'user ' || handle, handle IN (SELECT handle FROM new_users)
    FROM wanted_users
    UNION ALL
    SELECT
        2,
        number,
        'activity ' || number || ' of ' || handle,
        ('00000000-0000-4000-8000-0000000002' || lpad(number::text, 2, '0'))::uuid IN (SELECT uuid FROM new_activities)
    FROM wanted_activities
) AS seeded (part, number, resource, created)
ORDER BY part, number;
