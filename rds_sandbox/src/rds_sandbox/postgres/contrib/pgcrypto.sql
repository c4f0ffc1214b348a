-- What pgcrypto has (PostgreSQL 18, appendix F.26), as far as PostgreSQL's own functions reach.
CREATE FUNCTION pgcrypto_refuse(code text, message text) RETURNS bytea LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message;
END $$;

CREATE FUNCTION digest(data bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE lower(type)
  WHEN 'md5' THEN decode(md5(data), 'hex')
  WHEN 'sha1' THEN pgcrypto_sha1(data)
  WHEN 'sha224' THEN sha224(data)
  WHEN 'sha256' THEN sha256(data)
  WHEN 'sha384' THEN sha384(data)
  WHEN 'sha512' THEN sha512(data)
  ELSE pgcrypto_refuse('22023', format('Cannot use "%s": No such hash algorithm', type)) END;
CREATE FUNCTION digest(data text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN digest(convert_to(data, 'UTF8'), type);

-- The key, filled up with zeros to the size, each byte of it xor the value.
CREATE FUNCTION pgcrypto_pad(key bytea, size int, value int) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  padded bytea := key || decode(repeat('00', size - length(key)), 'hex');
BEGIN
  FOR i IN 0 .. size - 1 LOOP
    padded := set_byte(padded, i, get_byte(padded, i) # value);
  END LOOP;
  RETURN padded;
END $$;

-- RFC 2104.
CREATE FUNCTION hmac(data bytea, key bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
  SELECT digest(pgcrypto_pad(k, size, 92) || digest(pgcrypto_pad(k, size, 54) || data, type), type)
  FROM (SELECT CASE WHEN lower(type) IN ('sha384', 'sha512') THEN 128 ELSE 64 END AS size) AS of,
       LATERAL (SELECT CASE WHEN length(key) > size THEN digest(key, type) ELSE key END AS k) AS short;
END;
CREATE FUNCTION hmac(data text, key text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN hmac(convert_to(data, 'UTF8'), convert_to(key, 'UTF8'), type);

CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE RETURN pg_catalog.gen_random_uuid();

CREATE FUNCTION gen_random_bytes(size int) RETURNS bytea LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
  made bytea := '';
BEGIN
  IF size NOT BETWEEN 1 AND 1024 THEN
    RAISE EXCEPTION 'Length not in range' USING ERRCODE = '39000';
  END IF;
  WHILE length(made) < size LOOP
    made := made || sha256(uuid_send(pg_catalog.gen_random_uuid()) || uuid_send(pg_catalog.gen_random_uuid()));
  END LOOP;
  RETURN substr(made, 1, size);
END $$;

-- Six bits a letter, the lowest first.
CREATE FUNCTION pgcrypto_letters(value int, size int) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
  SELECT string_agg(substr(letters, (value >> 6 * i & 63) + 1, 1), '' ORDER BY i)
  FROM generate_series(0, size - 1) AS i,
    (VALUES ('./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')) AS alphabet (letters);
END;

-- Of bcrypt, whose letters stand in another order than those of base64.
CREATE FUNCTION pgcrypto_bcrypt_letters(data bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN rtrim(translate(encode(data, 'base64'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'), '=');
CREATE FUNCTION pgcrypto_bcrypt_bytes(letters text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN decode(translate(letters, './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') || '==', 'base64');

CREATE FUNCTION gen_salt(type text, rounds int) RETURNS text LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN CASE
  WHEN lower(type) = 'md5' THEN
    '$1$' || pgcrypto_letters((random() * 16777215)::int, 4) || pgcrypto_letters((random() * 16777215)::int, 4)
  WHEN lower(type) = 'bf' AND rounds BETWEEN 4 AND 31 THEN
    '$2a$' || lpad(rounds::text, 2, '0') || '$' || pgcrypto_bcrypt_letters(gen_random_bytes(16))
  WHEN lower(type) = 'bf' THEN pgcrypto_refuse('22023', 'gen_salt: Incorrect number of rounds')::text
  ELSE pgcrypto_refuse('0A000', 'gen_salt() has bf and md5 alone in the sandbox: see docs/fidelity.md of rds-sandbox')::text END;
CREATE FUNCTION gen_salt(type text) RETURNS text LANGUAGE sql VOLATILE STRICT PARALLEL SAFE RETURN gen_salt(type, 6);

-- The crypt of FreeBSD that begins with $1$.
CREATE FUNCTION pgcrypto_md5_crypt(password bytea, salt bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  found bytea := decode(md5(password || salt || password), 'hex');
  i int := length(password);
  context bytea := password || '$1$'::bytea || salt || substr(decode(repeat(encode(found, 'hex'), i / 16 + 1), 'hex'), 1, i);
BEGIN
  WHILE i > 0 LOOP
    context := context || CASE WHEN i & 1 = 1 THEN '\x00'::bytea ELSE substr(password, 1, 1) END;
    i := i >> 1;
  END LOOP;
  found := decode(md5(context), 'hex');
  FOR n IN 0 .. 999 LOOP
    context := CASE WHEN n & 1 = 1 THEN password ELSE found END;
    IF n % 3 > 0 THEN context := context || salt; END IF;
    IF n % 7 > 0 THEN context := context || password; END IF;
    found := decode(md5(context || CASE WHEN n & 1 = 1 THEN found ELSE password END), 'hex');
  END LOOP;
  RETURN found;
END $$;

CREATE FUNCTION crypt(password text, salt text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN salt LIKE '$1$%' THEN '$1$' || s || '$' || (
      SELECT string_agg(
        pgcrypto_letters((get_byte(c, a) << 16) | (get_byte(c, a + 6) << 8) | get_byte(c, (ARRAY[12, 13, 14, 15, 5])[a + 1]), 4),
        '' ORDER BY a
      ) || pgcrypto_letters(get_byte(c, 11), 2)
      FROM pgcrypto_md5_crypt(convert_to(password, 'UTF8'), convert_to(s, 'UTF8')) AS c, generate_series(0, 4) AS a GROUP BY c
    ) WHEN salt ~ '^\$2[ax]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{22}' THEN left(salt, 29) || pgcrypto_bcrypt_letters(
      pgcrypto_bcrypt(
        pgcrypto_pi(), pgcrypto_words(substr(convert_to(password, 'UTF8') || '\x00'::bytea, 1, 72), 18),
        pgcrypto_words(pgcrypto_bcrypt_bytes(substr(salt, 8, 22)), 18), substr(salt, 5, 2)::int
      )
    ) ELSE pgcrypto_refuse('0A000', 'crypt() has bf and md5 alone in the sandbox: see docs/fidelity.md of rds-sandbox')::text
    END
  FROM substr(split_part(salt, '$', 3), 1, 8) AS s;
END;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'encrypt(bytea, bytea, text) RETURNS bytea', 'decrypt(bytea, bytea, text) RETURNS bytea',
    'encrypt_iv(bytea, bytea, bytea, text) RETURNS bytea', 'decrypt_iv(bytea, bytea, bytea, text) RETURNS bytea',
    'pgp_sym_encrypt(text, text, text DEFAULT '''') RETURNS bytea',
    'pgp_sym_encrypt_bytea(bytea, text, text DEFAULT '''') RETURNS bytea',
    'pgp_sym_decrypt(bytea, text, text DEFAULT '''') RETURNS text',
    'pgp_sym_decrypt_bytea(bytea, text, text DEFAULT '''') RETURNS bytea',
    'pgp_pub_encrypt(text, bytea, text DEFAULT '''') RETURNS bytea',
    'pgp_pub_encrypt_bytea(bytea, bytea, text DEFAULT '''') RETURNS bytea',
    'pgp_pub_decrypt(bytea, bytea, text DEFAULT '''', text DEFAULT '''') RETURNS text',
    'pgp_pub_decrypt_bytea(bytea, bytea, text DEFAULT '''', text DEFAULT '''') RETURNS bytea',
    'pgp_key_id(bytea) RETURNS text', 'armor(bytea) RETURNS text', 'dearmor(text) RETURNS bytea'
  ] LOOP
    EXECUTE format('CREATE FUNCTION %s LANGUAGE plpgsql AS %L', name, format(
      'BEGIN RAISE EXCEPTION USING ERRCODE = ''0A000'', MESSAGE = %L; END',
      split_part(name, '(', 1) || '() of pgcrypto is not in the sandbox: see docs/fidelity.md of rds-sandbox'));
  END LOOP;
END $$;
