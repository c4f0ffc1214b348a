"""A database that the bootcamp's schema made, taken over with its data: what becomes of it, and what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner
from psycopg import sql

from cruddur_ops import activities, database
from cruddur_ops.change import Action, Outcome
from cruddur_ops.cli import main
from cruddur_ops.database.connection import session
from cruddur_ops.database.location import database_name
from cruddur_ops.database.takeover import plan_takeover
from cruddur_ops.errors import ConfirmationRequired
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.support import TABLES, execute, some
from tests.database.test_migrations import Dump, dump

__all__ = ["dump"]

# The bootcamp's tables after its facts; its function is that of an extension, and stands for any.
BOOTCAMP = """
CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
CREATE TABLE schema_information (id integer UNIQUE, last_successful_run text);
CREATE TABLE users (
    uuid uuid DEFAULT uuid_generate_v4() PRIMARY KEY, display_name text NOT NULL, handle text NOT NULL, email text NOT NULL,
    cognito_user_id text NOT NULL, created_at timestamp DEFAULT current_timestamp NOT NULL
);
CREATE TABLE activities (
    uuid uuid DEFAULT uuid_generate_v4() PRIMARY KEY, user_uuid uuid NOT NULL, message text NOT NULL,
    replies_count integer DEFAULT 0, reposts_count integer DEFAULT 0, likes_count integer DEFAULT 0,
    reply_to_activity_uuid integer, expires_at timestamp, created_at timestamp DEFAULT current_timestamp NOT NULL
);
INSERT INTO users (display_name, email, handle, cognito_user_id) VALUES
    ('Andrew Brown', 'a@example.com', 'andrewbrown', 'MOCK'), ('Londo', 'l@example.com', 'londo', 'MOCK'),
    ('Vir', 'v@example.com', 'vir', 'f3a1');
INSERT INTO activities (user_uuid, message, expires_at, likes_count)
SELECT uuid, 'by ' || handle, current_timestamp + interval '10 day', CASE handle WHEN 'vir' THEN NULL ELSE 3 END FROM users;
"""
# Where the owner of the database is another, the schema's owner has a right of its own.
PUBLIC = re.compile(r"--\n-- Name: SCHEMA public; Type: ACL.*?(?=--\n-- )", re.DOTALL)
ROWS = "SELECT handle, message, likes_count, cognito_user_id FROM users JOIN activities ON user_uuid = users.uuid ORDER BY 1"
EVERYTHING = "SELECT to_jsonb(users)::text FROM users UNION ALL SELECT to_jsonb(activities)::text FROM activities ORDER BY 1"


@pytest.fixture
def bootcamp(target: Target, server: Server) -> Iterator[Target]:
    """A database that nobody labelled, of the operator's own, with the bootcamp's schema and its rows; its name was typed."""
    names = {"name": sql.Identifier(database_name(target)), "user": sql.Identifier("cruddurroot")}
    with server.administrator() as administrator:
        administrator.execute(sql.SQL("CREATE DATABASE {name} OWNER {user}").format(**names))
    execute(target, BOOTCAMP)
    yield replace(target, confirm=database_name(target))


def adopt(target: Target) -> str:
    """What the verb says; it succeeds."""
    said = CliRunner().invoke(main, ["db", "adopt", "--schema", "--confirm", database_name(target)])
    assert 0 == said.exit_code, said.output
    return said.output


def test_it_is_ours_with_its_rows(bootcamp: Target, seeded_dump: Callable[[], str], dump: Dump) -> None:
    """The schema is exactly that of sql/schema.sql, the rows are what they were, and every verb works."""
    adopt(bootcamp)
    execute(bootcamp, "DROP TABLE schema_information; DROP FUNCTION uuid_generate_v4()")

    expected = [("andrewbrown", "by andrewbrown", 3, None), ("londo", "by londo", 3, None), ("vir", "by vir", 0, "f3a1")]
    assert expected == execute(bootcamp, ROWS)
    assert PUBLIC.sub("", seeded_dump()) == PUBLIC.sub("", dump(bootcamp))
    assert 3 == len(activities.home(bootcamp).activities)
    ours = replace(bootcamp, confirm="")
    assert 0 == database.plan_schema(ours).apply().created + database.plan_migrations(ours).apply().created
    database.plan_seed(ours).apply()


@pytest.fixture
def seeded_dump(target: Target, dump: Dump, server: Server) -> Callable[[], str]:
    """The dump of a database that our own verbs made."""

    def made() -> str:
        from tests.database.conftest import url_of

        name = f"{database_name(target)}_ours"
        ours = replace(target, connection_url=url_of(server, name), confirm="")
        database.plan_create(ours).apply()
        database.plan_schema(ours).apply()
        session(ours).close()
        text = dump(ours)
        with server.administrator() as administrator:
            administrator.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        return text

    return made


def test_the_plan_names_every_difference(bootcamp: Target) -> None:
    """Types, keys, indexes, bookkeeping and rows; and planning leaves nothing behind."""
    before = execute(bootcamp, TABLES)
    text = str(plan_takeover(bootcamp))

    for line in (
        "~ table activities: column reply_to_activity_uuid = integer -> uuid",
        "~ table users: column cognito_user_id = text NOT NULL -> text",
        "~ table activities: constraint = FOREIGN KEY (user_uuid) REFERENCES users(uuid) ON DELETE CASCADE",
        "~ table users: index = CREATE UNIQUE INDEX ON users USING btree (lower(handle))",
        "~ table users: rows = 3 -> 3",
        "+ table schema_migrations",
    ):
        assert line in text
    assert before == execute(bootcamp, TABLES)
    assert [] == execute(bootcamp, "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'cruddur%'")


IN_THE_WAY = {
    "two of a handle": ("UPDATE users SET handle = 'Londo' WHERE handle = 'vir'", "users: users_lower_handle, 2 rows: "),
    "two of an address": ("UPDATE users SET email = 'l@example.com'", "users: users_email_key, 3 rows: "),
    "an activity of nobody": ("DELETE FROM users WHERE handle = 'vir'", "activities: activities_user_uuid_fkey: "),
    "a number of an activity": (
        "UPDATE activities SET reply_to_activity_uuid = 7",
        "reply_to_activity_uuid is no uuid, 3 rows: ",
    ),
    "a long message": ("UPDATE activities SET message = repeat('x', 281) WHERE message = 'by vir'", "activities_message_check: "),
    "a missing address": ("ALTER TABLE users DROP COLUMN email", "users: email is missing, 3 rows: "),
    "a column that would be lost": ("ALTER TABLE users ADD COLUMN planet text", "users.planet is no column of sql/schema.sql"),
}


@pytest.mark.parametrize("name", some(IN_THE_WAY, "two of a handle", "an activity of nobody", "a number of an activity"))
def test_what_stands_in_the_way_is_named(bootcamp: Target, name: str) -> None:
    """With the keys of the rows, and before the database gets its label; nothing is changed."""
    mistake, message = IN_THE_WAY[name]
    execute(bootcamp, mistake)
    before = execute(bootcamp, EVERYTHING)
    said = CliRunner().invoke(main, ["db", "adopt", "--schema", "--confirm", database_name(bootcamp)])

    assert (2, True) == (said.exit_code, message in said.stderr), said.stderr
    assert "l@example.com" not in said.stderr
    assert before == execute(bootcamp, EVERYTHING)


def test_what_depends_on_the_tables_is_in_the_way(bootcamp: Target) -> None:
    """A view of somebody's: the transaction is rolled back, and the sentence names it."""
    execute(bootcamp, "CREATE VIEW mine AS SELECT handle FROM users")
    before = execute(bootcamp, EVERYTHING)
    said = CliRunner().invoke(main, ["db", "adopt", "--schema", "--confirm", database_name(bootcamp)])

    assert (2, True) == (said.exit_code, "view mine depends on table users" in said.stderr), said.output
    assert before == execute(bootcamp, EVERYTHING)


def test_the_label_alone(bootcamp: Target) -> None:
    """Without --schema nothing becomes of the tables."""
    before = execute(bootcamp, EVERYTHING)
    said = CliRunner().invoke(main, ["db", "adopt", "--confirm", database_name(bootcamp)])
    assert (0, before) == (said.exit_code, execute(bootcamp, EVERYTHING)), said.output


def test_its_name_is_typed(bootcamp: Target) -> None:
    """As for the label."""
    with pytest.raises(ConfirmationRequired):
        plan_takeover(replace(bootcamp, confirm="")).apply()


def test_what_is_ours_already(seeded: Target) -> None:
    """There is nothing to take over."""
    plan = plan_takeover(replace(seeded, confirm=database_name(seeded)))
    assert [Action.NONE] == [change.action for change in plan.changes]
    assert Outcome(unchanged=1) == plan.apply()
