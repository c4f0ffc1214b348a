-- Whether a condition can be used.
SELECT FROM {table} WHERE ({condition}
) LIMIT 0;
