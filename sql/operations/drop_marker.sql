-- Removes one marker.
DELETE FROM restore_markers WHERE label = %(label)s;
