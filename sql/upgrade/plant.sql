-- Something that a major upgrade stumbles over, for a rehearsal of how it is found and mended.
CREATE TABLE practice_callbacks (event text PRIMARY KEY, handler regproc);
