-- Lets the planner read by the order of an index wherever one will do, until the transaction ends: as it does with a large table.
SELECT
    set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true);
