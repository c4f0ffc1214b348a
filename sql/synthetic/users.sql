-- Adds the users of a seed number. Their uuids have the size of the data and the seed number in them: the first tells of all.
INSERT INTO users (uuid, handle, display_name, email, created_at)
SELECT
    (
        lpad(to_hex(%(activities)s::integer), 8, '0') || lpad(to_hex(%(seed_number)s::integer), 4, '0')
        || '400080000000' || lpad(to_hex(number), 8, '0')
    )::uuid,
    lower(first) || '_' || %(seed_number)s::integer || '_' || number,
    first || ' ' || last,
    lower(first) || '_' || %(seed_number)s::integer || '_' || number || '@example.com',
    now() - interval '720 hours'
FROM generate_series(0, %(users)s::integer - 1) AS number
CROSS JOIN LATERAL (
    SELECT
        ('{Ada,Bela,Chidi,Dana,Emre,Farah,Goran,Hana,Imani,Jorge,Kaya,Lena,Mika}'::text[])[1 + number %% 13],
        ('{Adeyemi,Berger,Costa,Dubois,Eriksen,Fontaine,Garcia,Haddad,Ito,Jensen,Kim}'::text[])[1 + number %% 11]
) AS name (first, last);
