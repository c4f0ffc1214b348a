-- A slot from which a subscription takes the changes of a database; from where on it has them all.
SELECT lsn FROM pg_create_logical_replication_slot({slot}, 'pgoutput');
