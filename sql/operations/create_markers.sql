-- Makes the table of markers: moments whose content was written down, so that a restore can be held against them.
CREATE TABLE IF NOT EXISTS restore_markers (
    label text PRIMARY KEY,
    marked_at timestamptz NOT NULL,
    tables jsonb NOT NULL
);
