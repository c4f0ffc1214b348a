-- What uuid-ossp has (PostgreSQL 18, appendix F.48); UUIDs as in RFC 9562.
CREATE FUNCTION uuid_nil() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::uuid;
CREATE FUNCTION uuid_ns_dns() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_url() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_oid() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_x500() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;

-- The first 16 bytes as a UUID of this version.
CREATE FUNCTION uuid_of(data bytea, version int) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN encode(
  set_byte(set_byte(substr(data, 1, 16), 6, (get_byte(data, 6) & 15) | (version << 4)), 8, (get_byte(data, 8) & 63) | 128), 'hex'
)::uuid;

CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN uuid_of(decode(md5(uuid_send(namespace) || convert_to(name, 'UTF8')), 'hex'), 3);

CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE RETURN gen_random_uuid();

CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN uuid_of(uuid_sha1(uuid_send(namespace) || convert_to(name, 'UTF8')), 5);

-- The time in units of 100 ns since 1582-10-15, its low bits random, since the clock here has microseconds.
CREATE FUNCTION uuid_of_time(node bytea) RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
BEGIN ATOMIC
  SELECT uuid_of(substr(t, 5, 4) || substr(t, 3, 2) || substr(t, 1, 2) || substr(uuid_send(gen_random_uuid()), 9, 2) || node, 1)
  FROM int8send((extract(epoch FROM clock_timestamp()) * 10000000)::bigint + 122192928000000000 + (random() * 9)::int) AS t;
END;

-- The node is this cluster's: no network card is asked.
CREATE FUNCTION uuid_generate_v1() RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN uuid_of_time(substr(decode(md5((pg_control_system()).system_identifier::text), 'hex'), 1, 6));

CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN uuid_of_time(set_byte(substr(uuid_send(gen_random_uuid()), 11, 6), 0, get_byte(uuid_send(gen_random_uuid()), 10) | 1));
