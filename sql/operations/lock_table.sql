-- Keeps writers out of a table until the end of the transaction, and readers in (PostgreSQL 18, chapter 13.3.1).
LOCK TABLE {schema}.{table} IN SHARE MODE;
