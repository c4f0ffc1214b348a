-- Something that a major upgrade stumbles over, for a rehearsal of how it is found and mended.
CREATE TABLE practice_callbacks AS SELECT 'sign-up' AS event, 'now'::regproc AS handler;
