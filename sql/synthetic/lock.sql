-- Keeps autovacuum away from both tables until the transaction ends; reading and writing go on.
-- An ANALYZE in the middle would count none of the rows that are not committed yet, and the checks of
-- the foreign keys would then be planned for an empty table: a scan for each row.
LOCK TABLE users, activities IN SHARE UPDATE EXCLUSIVE MODE;
