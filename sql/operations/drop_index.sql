-- Removes an index that is not valid, with nobody waiting for it.
DROP INDEX CONCURRENTLY {schema}.{index};
