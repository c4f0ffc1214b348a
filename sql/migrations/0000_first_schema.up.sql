-- The first schema: what every later migration starts from.

CREATE TABLE schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL UNIQUE,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE schema_migrations IS 'The migrations that this schema has: the highest version is the schema''s';

CREATE TABLE schema_history (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version integer NOT NULL,
    checksum text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    loaded_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE schema_history IS 'Each time that the schema became that of sql/schema.sql: its version and SHA-256';

CREATE TABLE users (
    uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    display_name text NOT NULL,
    handle text NOT NULL CHECK (handle <> ''),
    email text NOT NULL UNIQUE,
    cognito_user_id text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN users.cognito_user_id IS 'The sub attribute in the user pool; null for a user who never signed up';

-- Andrew and andrew are one: look-ups are by lower(handle), and an upsert conflicts on it. A handle is
-- shown in the case in which it was chosen.
CREATE UNIQUE INDEX users_lower_handle ON users (lower(handle));

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

-- One for each way to read: everybody's, one user's, one activity's replies, and those to be removed.
CREATE INDEX activities_feed ON activities (created_at DESC, uuid DESC);
CREATE INDEX activities_author ON activities (user_uuid, created_at DESC, uuid DESC) INCLUDE (expires_at);
CREATE INDEX activities_replies ON activities (reply_to_activity_uuid, created_at DESC, uuid DESC)
    WHERE reply_to_activity_uuid IS NOT NULL;
CREATE INDEX activities_expiry ON activities (expires_at) WHERE expires_at IS NOT NULL;

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
    activities.user_uuid,
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
