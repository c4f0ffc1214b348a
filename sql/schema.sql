-- The tables of Cruddur: users, their activities, and what was loaded into this database.
--
-- `cruddur_ops.database.load_schema` runs this file and records it in schema_history, in one
-- transaction. It needs no extension: gen_random_uuid() is built in from PostgreSQL 13 on.

CREATE TABLE schema_history (
    version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    checksum text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    loaded_by text NOT NULL DEFAULT current_user
);
COMMENT ON TABLE schema_history IS 'Each load of sql/schema.sql: the SHA-256 of the file, when, by whom';

-- A seed row's key stays here when the row itself is changed or deleted, so that seeding again
-- brings nothing back.
CREATE TABLE seed_history (
    seed_key text PRIMARY KEY,
    seeded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE seed_history IS 'The rows of sql/seed.sql that were offered to this database';

CREATE TABLE users (
    uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    display_name text NOT NULL,
    handle text NOT NULL UNIQUE CHECK (handle <> ''),
    email text NOT NULL UNIQUE,
    cognito_user_id text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN users.cognito_user_id IS 'The sub attribute in the user pool; null for a user who never signed up';

CREATE TABLE activities (
    uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_uuid uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    message text NOT NULL CHECK (char_length(message) BETWEEN 1 AND 280),
    replies_count integer NOT NULL DEFAULT 0 CHECK (replies_count >= 0),
    reposts_count integer NOT NULL DEFAULT 0 CHECK (reposts_count >= 0),
    likes_count integer NOT NULL DEFAULT 0 CHECK (likes_count >= 0),
    reply_to_activity_uuid uuid REFERENCES activities ON DELETE SET NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (expires_at > created_at)
);
COMMENT ON COLUMN activities.expires_at IS 'The activity is not shown from then on; null keeps it for good';

CREATE INDEX activities_created_at ON activities (created_at DESC);
CREATE INDEX activities_user_uuid ON activities (user_uuid, created_at DESC);
CREATE INDEX activities_reply_to ON activities (reply_to_activity_uuid) WHERE reply_to_activity_uuid IS NOT NULL;

CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER activities_set_updated_at BEFORE UPDATE ON activities
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- The one place that says how an activity is shown, and to whom it still is.
CREATE VIEW live_activities AS
SELECT
    activities.uuid,
    users.display_name,
    users.handle,
    activities.message,
    activities.replies_count,
    activities.reposts_count,
    activities.likes_count,
    activities.reply_to_activity_uuid,
    activities.expires_at,
    activities.created_at
FROM activities
JOIN users ON users.uuid = activities.user_uuid
WHERE activities.expires_at IS NULL OR activities.expires_at > now();
