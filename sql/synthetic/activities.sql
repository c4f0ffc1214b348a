-- Adds the activities of a seed number whose places, from the oldest on, are between two; all are spread over the last 30 days.
--
-- What is drawn for a place comes from the MD5 of seed number and place, which is the same on every server. Half of all have an
-- author of the first eighth. Of ten places three are replies to one of the seven others, at most 1009 places before, if that
-- is alive still, and they expire with it: so a part has to know 1009 places before and after it.
INSERT INTO activities (uuid, user_uuid, message, replies_count, reply_to_activity_uuid, expires_at, created_at)
WITH places AS MATERIALIZED (
    SELECT place, md5(%(seed_number)s::integer || ' ' || place)::uuid AS uuid
    FROM generate_series(
        greatest(%(first)s::integer - 1009, 0), least(%(last)s::integer + 1009, %(activities)s::integer - 1)
    ) AS place
), numbers AS MATERIALIZED (
    SELECT
        place,
        uuid,
        uuid_send(uuid) AS bytes,
        now() - interval '720 hours' * (1 - place::float8 / %(activities)s::integer) AS created_at
    FROM places
), drawn AS MATERIALIZED (
    SELECT
        place,
        uuid,
        floor(%(users)s::integer * author * author * author)::integer AS author,
        (get_byte(bytes, 3) * 256 + get_byte(bytes, 4)) %% 343 AS message,
        created_at,
        created_at + ('{720,720,720,720,168,168,168,72,24,12,3,1}'::integer[])[1 + get_byte(bytes, 5) %% 12] * interval '1 hour'
            AS expires_at,
        CASE WHEN place >= 10 AND place %% 10 < 3
            THEN (place / 10 - 1 - floor(least(place / 10, 100) * back * back * back)::integer) * 10 + 3 + get_byte(bytes, 9) %% 7
        END AS reply_to
    FROM numbers
    CROSS JOIN LATERAL (
        SELECT
            (get_byte(bytes, 0) * 65536 + get_byte(bytes, 1) * 256 + get_byte(bytes, 2)) / 16777216::float8,
            (get_byte(bytes, 6) * 65536 + get_byte(bytes, 7) * 256 + get_byte(bytes, 8)) / 16777216::float8
        OFFSET 0
    ) AS random (author, back)
), replies AS MATERIALIZED (
    SELECT reply.place, parent.place AS parent, parent.uuid, parent.expires_at
    FROM drawn AS reply
    JOIN drawn AS parent ON parent.place = reply.reply_to AND parent.expires_at > reply.created_at
), counted AS (
    SELECT parent AS place, count(*) AS replies FROM replies GROUP BY parent
)
SELECT
    drawn.uuid,
    (
        lpad(to_hex(%(activities)s::integer), 8, '0') || lpad(to_hex(%(seed_number)s::integer), 4, '0')
        || '400080000000' || lpad(to_hex(author), 8, '0')
    )::uuid,
    ('{"Good morning,",Finally:,"Note to self:","Who would have thought,","Today I learned that","☕ and","Again,"}'::text[])
        [1 + message / 49]
    || ' '
    || ('{"the replica","our backup","a small index","the query planner","this security group","the Lambda","my shell"}'::text[])
        [1 + message / 7 %% 7]
    || ' '
    || ('{works.,"is late.","was never the problem.","needs a rest 🎉","pays for itself.","went to production.","is back."}'::text[])
        [1 + message %% 7],
    coalesce(counted.replies, 0),
    replies.uuid,
    coalesce(replies.expires_at, drawn.expires_at),
    created_at
FROM drawn
LEFT JOIN replies USING (place)
LEFT JOIN counted USING (place)
WHERE place BETWEEN %(first)s AND %(last)s
ORDER BY place;
