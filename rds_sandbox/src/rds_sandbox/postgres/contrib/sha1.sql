-- SHA-1 (FIPS 180-4), which PostgreSQL has no function of.
CREATE FUNCTION {prefix}_sha1(data bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  size int := length(data);
  padded bytea := data || '\x80'::bytea || decode(repeat('00', (119 - size % 64) % 64), 'hex') || int8send(size * 8::bigint);
  h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
  w bigint[];
  x bigint;
  a bigint; b bigint; c bigint; d bigint; e bigint;
BEGIN
  FOR block IN 0 .. length(padded) / 64 - 1 LOOP
    FOR i IN 1 .. 80 LOOP
      IF i <= 16 THEN
        w[i] := ('x' || encode(substr(padded, block * 64 + i * 4 - 3, 4), 'hex'))::bit(32)::bigint;
      ELSE
        x := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
        w[i] := ((x << 1) & 4294967295) | (x >> 31);
      END IF;
    END LOOP;
    a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
    FOR i IN 1 .. 80 LOOP
      x := e + w[i] + (((a << 5) & 4294967295) | (a >> 27)) + CASE (i - 1) / 20
        WHEN 0 THEN 1518500249 + (d # (b & (c # d)))
        WHEN 1 THEN 1859775393 + (b # c # d)
        WHEN 2 THEN 2400959708 + ((b & c) | (b & d) | (c & d))
        ELSE 3395469782 + (b # c # d) END;
      e := d; d := c; c := ((b << 30) & 4294967295) | (b >> 2); b := a; a := x & 4294967295;
    END LOOP;
    h := ARRAY[h[1] + a & 4294967295, h[2] + b & 4294967295, h[3] + c & 4294967295, h[4] + d & 4294967295, h[5] + e & 4294967295];
  END LOOP;
  RETURN int4send(h[1]::bit(32)::int) || int4send(h[2]::bit(32)::int) || int4send(h[3]::bit(32)::int)
    || int4send(h[4]::bit(32)::int) || int4send(h[5]::bit(32)::int);
END $$;
