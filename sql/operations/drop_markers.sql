-- Removes the table of markers.
DROP TABLE IF EXISTS restore_markers;
