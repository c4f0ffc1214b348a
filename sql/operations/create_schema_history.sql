-- The table of the schema.sql that this database once was, beside a schema that brings none.
CREATE TABLE IF NOT EXISTS public.schema_history (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version integer NOT NULL,
    checksum text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    loaded_by text NOT NULL DEFAULT session_user
);
