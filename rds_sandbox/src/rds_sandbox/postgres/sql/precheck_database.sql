-- What keeps a database from a major upgrade on RDS.
SELECT reason
FROM (VALUES
  (EXISTS (
     SELECT FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relkind IN ('r', 'm', 'p') AND attrelid >= 16384 AND NOT attisdropped AND atttypid IN (
       'regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype, 'regnamespace'::regtype, 'regoper'::regtype,
       'regoperator'::regtype, 'regproc'::regtype, 'regprocedure'::regtype)),
   'The ["reg*"] data types are used in user tables. Remove all usage of these data types.'),
  (EXISTS (
     SELECT FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = objid
     WHERE classid = 'pg_rewrite'::regclass AND refobjid = 'pg_stat_activity'::regclass AND ev_class >= 16384),
   'The database has views or materialized views that depend on ''pg_stat_activity''. Drop the views.')
) AS found (holds, reason)
WHERE holds;
