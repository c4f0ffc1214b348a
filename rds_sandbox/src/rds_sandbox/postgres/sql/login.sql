-- What a login depends on: rds_iam, rds_replication, the password. A grant that gives no more than the right to grant does not
-- count, as whoever creates a role has it from PostgreSQL 16 on; before 16 there are none, nor their columns.
WITH RECURSIVE role AS (
  SELECT oid FROM pg_roles WHERE rolname = %(user)s
  UNION
  SELECT roleid FROM role JOIN pg_auth_members AS given ON member = role.oid, to_jsonb(given) AS as_json
  WHERE coalesce((as_json ->> 'inherit_option')::boolean OR (as_json ->> 'set_option')::boolean, true)
)
SELECT EXISTS (SELECT FROM role WHERE oid = 'rds_iam'::regrole), EXISTS (SELECT FROM role WHERE oid = 'rds_replication'::regrole),
       rolreplication, rolpassword
FROM pg_authid WHERE rolname = %(user)s;
