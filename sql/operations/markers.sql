-- The markers of a database, the oldest first.
SELECT label, marked_at, tables FROM restore_markers ORDER BY marked_at, label;
