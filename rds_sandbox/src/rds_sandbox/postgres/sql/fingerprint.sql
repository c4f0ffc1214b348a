-- What logical replication does not carry: a digest of the schema, temporary tables aside, and one of the large objects.
WITH owned AS (
  SELECT oid FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace
), facts AS (
  SELECT concat_ws('|', 'c', oid, relname, relnamespace, relkind, relpersistence, reloptions) AS fact
  FROM pg_class WHERE oid IN (SELECT oid FROM owned)
  UNION ALL
  SELECT concat_ws('|', 'a', attrelid, attnum, attname, atttypid, atttypmod, attnotnull, attidentity)
  FROM pg_attribute WHERE attrelid IN (SELECT oid FROM owned)
  UNION ALL SELECT concat_ws('|', 'd', oid, adrelid, adbin) FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM owned)
  UNION ALL SELECT concat_ws('|', 'k', oid, conname, conrelid) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM owned)
  UNION ALL SELECT concat_ws('|', 'n', oid, nspname) FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_'
  UNION ALL SELECT concat_ws('|', 'p', oid, proname, prosrc) FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT concat_ws('|', 'y', oid, typname) FROM pg_type WHERE oid >= 16384 AND typtype IN ('d', 'e', 'r')
  UNION ALL SELECT concat_ws('|', 't', oid, tgname) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM owned)
)
SELECT (SELECT md5(string_agg(fact, E'\n' ORDER BY fact)) FROM facts),
       (SELECT md5(string_agg(concat_ws('|', loid, pageno, xmin::text), E'\n' ORDER BY loid, pageno)) FROM pg_largeobject);
