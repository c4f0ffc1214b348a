-- Takes the bio away again, with what users wrote there.
ALTER TABLE users DROP COLUMN bio;
