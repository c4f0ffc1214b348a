-- Begin after the changes that the copy has already; other databases have subscriptions of the same name.
SELECT pg_replication_origin_advance('pg_' || pg_subscription.oid, {lsn})
FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid
WHERE subname = {subscription} AND datname = current_database();
ALTER SUBSCRIPTION {name} ENABLE;
