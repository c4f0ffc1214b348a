-- The users and activities that a new database starts with: tells for each row what became of it.
--
-- One statement, so that it happens whole or not at all. A user is known by the handle, an activity by its
-- uuid, which is made of its number: what is missing is created, what was changed since is brought back. Not
-- touched are the times and the counters, which are the application's from then on, and whoever has signed
-- up under a handle of the seed: that account is not ours. Times are whole days from now (and a second per
-- row, for their order).
WITH wanted_users (number, handle, display_name, email) AS (
    VALUES
    (1, 'andrew', 'Andrew Brown', 'andrew@example.com'),
    (2, 'bayko', 'Andrew Bayko', 'bayko@example.com'),
    (3, 'londo', 'Londo Mollari', 'londo@example.com'),
    (4, 'delenn', 'Delenn of Mir', 'delenn@example.com'),
    (5, 'andrewbrown', 'Andrew Brown', 'andrewbrown@example.com')  -- whom Cruddur's own backend names
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
), numbered_users AS (
    SELECT *, ('00000000-0000-4000-8000-0000000001' || lpad(number::text, 2, '0'))::uuid AS uuid FROM wanted_users
), new_users AS (
    INSERT INTO users (uuid, handle, display_name, email)
    SELECT uuid, handle, display_name, email FROM numbered_users
    ON CONFLICT DO NOTHING
    RETURNING uuid, handle
), changed_users AS (
    UPDATE users SET handle = wanted.handle, display_name = wanted.display_name, email = wanted.email
    FROM numbered_users AS wanted
    WHERE lower(users.handle) = wanted.handle
        AND users.cognito_user_id IS NULL
        AND (users.handle, users.display_name, users.email) <> (wanted.handle, wanted.display_name, wanted.email)
        AND NOT EXISTS (SELECT FROM users AS other WHERE other.email = wanted.email AND other.uuid <> users.uuid)
    RETURNING wanted.handle
), authors AS (
    -- A statement does not see what its own parts insert (PostgreSQL 18, chapter 7.8.4).
    SELECT uuid, lower(handle) AS handle FROM users
    UNION
    SELECT uuid, handle FROM new_users
), numbered_activities AS (
    SELECT
        ('00000000-0000-4000-8000-0000000002' || lpad(number::text, 2, '0'))::uuid AS uuid,
        authors.uuid AS user_uuid,
        message,
        replies,
        likes,
        ('00000000-0000-4000-8000-0000000002' || lpad(reply_to::text, 2, '0'))::uuid AS reply_to,
        now() - make_interval(days => days_ago, secs => 20 - number) AS created_at,
        now() - make_interval(days => days_ago - days_to_live) AS expires_at,
        number
    FROM wanted_activities
    JOIN authors USING (handle)
), upserted AS (
    INSERT INTO activities
        (uuid, user_uuid, message, replies_count, likes_count, reply_to_activity_uuid, created_at, expires_at)
    SELECT uuid, user_uuid, message, replies, likes, reply_to, created_at, expires_at
    FROM numbered_activities
    ON CONFLICT (uuid) DO UPDATE
    SET user_uuid = excluded.user_uuid,
        message = excluded.message,
        reply_to_activity_uuid = excluded.reply_to_activity_uuid
    WHERE (activities.user_uuid, activities.message) <> (excluded.user_uuid, excluded.message)
        OR activities.reply_to_activity_uuid IS DISTINCT FROM excluded.reply_to_activity_uuid
    RETURNING uuid
)
SELECT resource, action
FROM (
    SELECT
        1,
        number,
        'user ' || handle,
        CASE
            WHEN handle IN (SELECT handle FROM new_users) THEN 'create'
            WHEN handle IN (SELECT handle FROM changed_users) THEN 'modify'
            ELSE 'unchanged'
        END
    FROM wanted_users
    UNION ALL
    SELECT
        2,
        number,
        'activity ' || number || ' of ' || wanted_activities.handle,
        CASE
            WHEN upserted.uuid IS NULL THEN 'unchanged'
            WHEN upserted.uuid IN (SELECT uuid FROM activities) THEN 'modify'
            ELSE 'create'
        END
    FROM wanted_activities
    LEFT JOIN numbered_activities USING (number)
    LEFT JOIN upserted USING (uuid)
) AS seeded (part, number, resource, action)
ORDER BY part, number;
