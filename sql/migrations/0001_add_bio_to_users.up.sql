-- Adds what a user says on the own page.
ALTER TABLE users ADD COLUMN bio text CHECK (char_length(bio) <= 160);
COMMENT ON COLUMN users.bio IS 'What the user says on the own page; null for nothing';
