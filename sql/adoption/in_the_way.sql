-- The rows, by their key, for which something holds that must not.
SELECT concat_ws(', ', {key}) AS key FROM {converted} AS own WHERE {wrong} ORDER BY 1;
