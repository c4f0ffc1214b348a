"""Migrations and schemas as people write them: in one transaction with their record, or outside of one where they say so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from cruddur_ops import database, progress, queries
from cruddur_ops.activities import feeds
from cruddur_ops.change import Outcome
from cruddur_ops.database import waits
from cruddur_ops.database.connection import connect
from cruddur_ops.database.errors import SchemaMissing, StatementFailed
from cruddur_ops.database.location import database_name
from cruddur_ops.database.migrations import new_migration
from cruddur_ops.database.schema import plan_rollback
from cruddur_ops.errors import RunInProgress, WrongInput
from cruddur_ops.target import Target
from tests.database.support import execute, write

OUTSIDE = "-- cruddur-ops: outside a transaction\n"
INDEX = "CREATE INDEX CONCURRENTLY users_bio ON users (bio);"
VALID = "SELECT indisvalid, pg_get_userbyid(relowner) FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname = 'users_bio'"


def add(up: str, down: str = "SELECT 1;") -> None:
    """Write the next migration into the copy of sql/."""
    for path, text in zip(new_migration("add_more"), (up, down), strict=True):
        write(path, text)


def versions(target: Target) -> list[int]:
    """The versions that are recorded in the database."""
    return [row[0] for row in execute(target, "SELECT version FROM schema_migrations ORDER BY 1")]


@pytest.mark.usefixtures("files")
def test_a_commit_before_an_error(seeded: Target) -> None:
    """Nothing of the file is kept, and nothing of it was sent."""
    add("CREATE TABLE planets ();\nCOMMIT;\nSELECT nothing_like_it;\n")

    with pytest.raises(WrongInput, match=r"^sql/migrations/0002_add_more\.up\.sql, line 2: COMMIT begins or ends"):
        database.plan_migrations(seeded).apply()
    assert [0, 1] == versions(seeded)
    assert [(None,)] == execute(seeded, "SELECT to_regclass('planets')")


@pytest.mark.usefixtures("files")
def test_outside_a_transaction(seeded: Target) -> None:
    """Up and down, each recorded; what it makes is the owner's."""
    add(f"{OUTSIDE}{INDEX}", f"{OUTSIDE}DROP INDEX CONCURRENTLY users_bio;")
    assert Outcome(created=1) == database.plan_migrations(seeded).apply()
    assert [(True, "cruddur_owner")] == execute(seeded, VALID)
    assert [0, 1, 2] == versions(seeded)

    assert Outcome(deleted=1) == plan_rollback(seeded).apply()
    assert [] == execute(seeded, VALID)
    assert [0, 1] == versions(seeded)


@pytest.mark.usefixtures("files")
def test_an_interrupted_one_is_resumed(seeded: Target) -> None:
    """What it left half made is not taken for made: a failure is not recorded, and the next try makes the index anew."""
    execute(seeded, "UPDATE users SET bio = 'the same'")
    add(f"{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_bio ON users (bio);")
    with pytest.raises(WrongInput, match="line 2: could not create unique index .* it is not recorded as made"):
        database.plan_migrations(seeded).apply()
    assert [(False, "cruddur_owner")] == execute(seeded, VALID)
    assert [0, 1] == versions(seeded)

    execute(seeded, "UPDATE users SET bio = handle")
    assert Outcome(created=1) == database.plan_migrations(seeded).apply()
    assert [(True, "cruddur_owner")] == execute(seeded, VALID)
    assert [0, 1, 2] == versions(seeded)


@pytest.mark.usefixtures("files")
def test_a_value_that_is_used_at_once(seeded: Target) -> None:
    """In one file it is refused, with the way out; in two it is made and used."""
    execute(seeded, "CREATE TYPE mood AS ENUM ('good'); ALTER TYPE mood OWNER TO cruddur_owner")
    add(f"{OUTSIDE}ALTER TYPE mood ADD VALUE 'bad';\n")
    add("CREATE TABLE moods (mood mood DEFAULT 'bad');\nINSERT INTO moods DEFAULT VALUES;\n")

    assert Outcome(created=2) == database.plan_migrations(seeded).apply()
    assert [("bad",)] == execute(seeded, "TABLE moods")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{INDEX}\n", "line 1: CREATE INDEX CONCURRENTLY cannot run inside .* first line is `-- cruddur-ops: outside"),
        (f"{OUTSIDE}SELECT 1;\n{INDEX}\n", "line 3: what runs outside a transaction stands alone: split the file"),
        (f"{OUTSIDE}CREATE INDEX CONCURRENTLY ON users (bio);\n", "line 2: the index has no name, by which .*: name it"),
        (f"{OUTSIDE}DROP DATABASE x;\n", "line 2: DROP DATABASE is about another database: take it out"),
        (
            f"{OUTSIDE}ALTER SYSTEM SET work_mem = '8MB';\n",
            "line 2: ALTER SYSTEM is about the whole server: set it in the DB param",
        ),
        (f"{OUTSIDE}COMMIT;\n", "line 2: COMMIT begins or ends"),
        (f"{OUTSIDE}SET ROLE postgres;\n", "line 2: SET ROLE acts as somebody else"),
        (
            "ALTER TABLE users DETACH PARTITION x CONCURRENTLY;",
            "line 1: ALTER TABLE .* cannot run inside a transaction block: put",
        ),
        (
            f"{OUTSIDE}CREATE INDEX CONCURRENTLY users_pkey ON users (handle);",
            'line 2: relation "users_pkey" already exists: where a run that was cut off has done it, write IF NOT EXISTS',
        ),
        (f"{OUTSIDE}DROP INDEX CONCURRENTLY users_bio;", 'line 2: index "users_bio" does not exist: where .* or IF EXISTS'),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_is_refused(seeded: Target, text: str, sentence: str) -> None:
    """Before anything is sent, or by the server with the same remedy."""
    add(text)

    with pytest.raises(WrongInput, match=rf"^sql/migrations/0002_add_more\.up\.sql, {sentence}"):
        database.plan_migrations(seeded).apply()
    assert [0, 1] == versions(seeded)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(("up", "down"), [("DROP SCHEMA public CASCADE;", ""), ("SELECT 1;", "DROP SCHEMA public CASCADE;")])
def test_the_record_is_kept(seeded: Target, up: str, down: str) -> None:
    """A file that drops the tables of the record, up or down, is refused, and nothing of it is kept."""
    add(up, down)
    with pytest.raises(WrongInput, match=r"the file drops public\.schema_migrations, .*: take that out"):
        database.plan_migrations(seeded).apply()
        plan_rollback(seeded).apply()
    assert {0, 1} <= {*versions(seeded)}


@pytest.mark.usefixtures("files", "hasty")
@pytest.mark.parametrize("first", ["", OUTSIDE])
def test_what_takes_long_is_shown(seeded: Target, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """With the name of the file."""
    shown = list[str]()
    monkeypatch.setattr(progress, "waiting", lambda name: nullcontext(lambda status: shown.append(f"{name}: {status}")))
    add(f"{first}SELECT pg_sleep(0.3);")

    database.plan_migrations(seeded).apply()
    assert {"sql/migrations/0002_add_more.up.sql: at work"} == {*shown}


@pytest.mark.usefixtures("files", "unlocked")
def test_two_outside_at_once(seeded: Target) -> None:
    """The second does not wait, since that would be waited for."""
    add(f"{OUTSIDE}{INDEX}")
    with connect(seeded, autocommit=True) as other:
        other.execute(queries.load("operations/lock_outside").text.encode())
        with pytest.raises(RunInProgress, match="somebody else is at sql/migrations/0002_add_more.up.sql"):
            database.plan_migrations(seeded).apply()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are given up, and looked at, at once."""
    monkeypatch.setattr(waits, "LOCK_TIMEOUT", "300ms")
    monkeypatch.setattr(waits, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(waits, "LOOKS", 0.01)
    monkeypatch.setattr(waits, "PAUSES", (0.01, 0.01))


@pytest.mark.usefixtures("files", "hasty")
def test_an_idle_transaction_in_the_way_is_named(seeded: Target) -> None:
    """After some tries the sentence says whose lock it is; and what that does."""
    add("ALTER TABLE users ADD COLUMN planet text;")
    with connect(seeded) as idle:
        idle.execute("SELECT FROM users")
        name = rf"held by session {idle.info.backend_pid} of cruddurroot on {database_name(seeded)} \(cruddur-ops\)"
        with pytest.raises(StatementFailed, match=rf"lock timeout, {name} \(idle in transaction for .*, last SELECT\): see"):
            database.plan_migrations(seeded).apply()
    assert [0, 1] == versions(seeded)


@pytest.mark.usefixtures("files", "hasty")
def test_it_is_tried_again(seeded: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was in the way is gone after the pause: the migration is made."""
    add("ALTER TABLE users ADD COLUMN planet text;")
    with connect(seeded) as idle:
        idle.execute("SELECT FROM users")
        monkeypatch.setattr("time.sleep", lambda _: idle.rollback())
        assert Outcome(created=1) == database.plan_migrations(seeded).apply()


@pytest.mark.usefixtures("hasty")
def test_a_guard_is_left_as_it_is(seeded: Target, at: Callable[..., Target], files: Path) -> None:
    """A lock_timeout of the database's is neither replaced nor tried again."""
    add("SELECT set_config('cruddur.found', current_setting('lock_timeout'), false);\nALTER TABLE users ADD planet text;")
    execute(seeded, f"ALTER DATABASE {database_name(seeded)} SET lock_timeout = '120ms'")
    tries = threading.Event()
    with pytest.MonkeyPatch.context() as patch, connect(seeded) as idle:
        patch.setattr("time.sleep", lambda _: tries.set())
        idle.execute("SELECT FROM users")
        with pytest.raises(StatementFailed, match="lock timeout"):
            database.plan_migrations(seeded).apply()
    assert not tries.is_set()


SCHEMAS = {
    "no bookkeeping": "CREATE TABLE planets (name text PRIMARY KEY);",
    "settings of pg_dump": (
        "\\restrict abc\nSET client_encoding = 'UTF8';\nSELECT pg_catalog.set_config('search_path', '', false);\n"
        "CREATE TABLE public.planets (name text);\nCOPY public.planets (name) FROM stdin;\nit's; Narn\n\\.\n\\unrestrict abc\n"
    ),
    "a function of SQL": (
        "CREATE TABLE planets (name text);\nCREATE FUNCTION f() RETURNS text BEGIN ATOMIC SELECT '\\'; SELECT 'b'; END;"
    ),
    "what pagila has": (
        "CREATE TABLE planets (name text);\nCREATE TYPE kind AS ENUM ('rock', 'gas');\n"
        "CREATE DOMAIN year AS integer CONSTRAINT year_check CHECK (VALUE >= 1901);\nALTER DOMAIN year OWNER TO postgres;\n"
        "CREATE FUNCTION last(text) RETURNS text LANGUAGE plpgsql AS $_$\n"
        "DECLARE x text := ''; -- ;\nBEGIN RETURN $1 || ';'; END\n$_$;\n"
        "ALTER FUNCTION last(text) OWNER TO postgres;\nCREATE AGGREGATE all_of(text) (SFUNC = textcat, STYPE = text);\n"
        "ALTER AGGREGATE all_of(text) OWNER TO postgres;\n"
        "CREATE TABLE payments (id serial, paid date NOT NULL, amount numeric(5,2)) PARTITION BY RANGE (paid);\n"
        "CREATE TABLE payments_2022 PARTITION OF payments FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');\n"
        "CREATE MATERIALIZED VIEW sums AS SELECT sum(amount) FROM payments WITH NO DATA;\n"
        "ALTER SCHEMA public OWNER TO postgres;\n"
        "COMMENT ON TABLE planets IS 'a; b';\nREVOKE ALL ON SCHEMA public FROM postgres;"
    ),
    "what northwind has": (
        "SET default_with_oids = false;\n---\n--- drop tables\n---\nDROP TABLE IF EXISTS planets;\n"
        "CREATE TABLE planets (name character varying(15) NOT NULL, picture bytea);\n"
        "INSERT INTO planets VALUES ('Narn', '\\x'), ('C\u00f4te de Blaye', '\\x00');\n"
        "ALTER TABLE ONLY planets ADD CONSTRAINT pk_planets PRIMARY KEY (name);"
    ),
    "a rule": "CREATE TABLE planets (name text);\nCREATE RULE r AS ON DELETE TO planets DO ALSO (SELECT 1; SELECT 2);",
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_of_somebodys_own(empty: Target, files: Path, name: str) -> None:
    """It is loaded and recorded beside, without any table of Cruddur's in it; and brought forward from there."""
    write(files / "schema.sql", SCHEMAS[name])

    assert Outcome(created=1) == database.plan_schema(empty).apply()
    assert Outcome(unchanged=1) == database.plan_schema(empty).apply()
    add("ALTER TABLE planets ADD COLUMN size integer;")
    assert Outcome(created=1) == database.plan_migrations(empty).apply()


DUMP = """\\restrict abc
SET statement_timeout = 0;
SET setting_of_another_version = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET default_table_access_method = heap;
CREATE SCHEMA stars;
ALTER SCHEMA stars OWNER TO somebody;
COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language';
CREATE TABLE public.planets (
    id integer NOT NULL,
    owner text
);
ALTER TABLE public.planets OWNER TO somebody;
CREATE SEQUENCE public.planets_id_seq AS integer;
ALTER TABLE public.planets_id_seq OWNER TO "Somebody";
ALTER SEQUENCE public.planets_id_seq OWNED BY public.planets.id;
ALTER TABLE ONLY public.planets ALTER COLUMN id SET DEFAULT nextval('public.planets_id_seq'::regclass);
CREATE TABLE stars.suns (name text);
CREATE VIEW stars.names AS SELECT name FROM stars.suns;
COPY public.planets (id, owner) FROM stdin;
1	ALTER TABLE x OWNER TO y;
2	\\N
\\.
SELECT pg_catalog.setval('public.planets_id_seq', 2, true);
ALTER TABLE public.planets RENAME owner TO keeper;
GRANT SELECT ON TABLE public.planets TO somebody, PUBLIC WITH GRANT OPTION;
REVOKE ALL ON TABLE public.planets FROM somebody CASCADE;
ALTER DEFAULT PRIVILEGES FOR ROLE somebody IN SCHEMA public GRANT SELECT ON TABLES TO cruddur_reader;
GRANT INSERT ON TABLE stars.suns TO PUBLIC;
\\unrestrict abc
"""


def test_a_dump_of_another_server(empty: Target, files: Path) -> None:
    """What means nothing here is left out, and told; all else is there, with the roles' rights on it, and the data."""
    write(files / "schema.sql", DUMP)
    database.plan_roles(empty).apply()
    plan = database.plan_schema(empty)
    left_out = "1 COMMENT ON EXTENSION, 3 OWNER TO, 1 SET of unknown settings, 3 rights of unknown roles"
    assert f"(left out of the file: {left_out})" in str(plan)

    assert Outcome(created=1) == plan.apply()
    assert [] == list(database.plan_roles(empty).mutating)
    assert {"planets": 2, "stars.suns": 0} == database.counts(empty)
    assert [("cruddur_owner", 1, "ALTER TABLE x OWNER TO y;")] == execute(
        empty, "SELECT pg_get_userbyid(relowner), planets.* FROM pg_class, planets WHERE relname = 'suns' AND id = 1"
    )
    app, reader = (replace(empty, db_role=role) for role in ("cruddur_app", "cruddur_reader"))
    execute(app, "INSERT INTO planets (keeper) VALUES ('g''kar'); DELETE FROM stars.suns; SELECT FROM stars.names")
    assert {"planets": 3, "stars.suns": 0} == database.counts(reader)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(app, "DELETE FROM schema_migrations")


EXTENSIONS = {
    "nothing_like_it": "the file is right, and this server does not have it: install it there, or take out what needs it",
    "file_fdw": "create it once as the master user, with `cruddur-ops db connect`, and write CREATE EXTENSION IF NOT EXISTS",
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_an_extension_that_is_not_to_be_had(empty: Target, files: Path, name: str) -> None:
    """The server's want, or that of a right, is no fault of the file."""
    write(files / "schema.sql", f'SELECT 1;\nCREATE EXTENSION IF NOT EXISTS "{name}" WITH SCHEMA public;')

    with pytest.raises(WrongInput, match=f'^sql/schema.sql, line 2: .*extension.*"{name}".*: {EXTENSIONS[name]}$'):
        database.plan_schema(empty).apply()


def test_rows_of_a_policy(empty: Target, files: Path) -> None:
    """A table of which this user sees a part alone is neither counted nor held against a marker, since both would be untrue."""
    schema = (
        "CREATE TABLE planets (); CREATE TABLE moons (); ALTER TABLE moons ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    write(files / "schema.sql", schema)
    database.plan_schema(empty).apply()

    assert {"planets": 0} == database.counts(empty)
    assert ["planets", "schema_history", "schema_migrations"] == sorted(database.mark(empty, "now").tables)


def test_a_large_table_is_estimated(empty: Target) -> None:
    """Nobody waits for the count of a table of any size; what is said of it is true."""
    execute(empty, "CREATE TABLE planets AS SELECT FROM generate_series(1, 120000)")
    assert "rows of planets  more than 100,000" in str(database.status(empty))
    execute(empty, "ANALYZE planets")
    assert database.counts(empty)["planets"] == pytest.approx(120_000, rel=0.1)
    assert "rows of planets  about 1" in str(database.status(empty))


def test_a_schema_of_another_tool(empty: Target, files: Path) -> None:
    """Rails has a table of the same name, which is no place for our records: nothing is kept."""
    write(files / "schema.sql", "CREATE TABLE schema_migrations (version character varying NOT NULL PRIMARY KEY);")

    with pytest.raises(WrongInput, match="makes a table schema_migrations of another tool's, .*: take it"):
        database.plan_schema(empty).apply()
    assert [(None,)] == execute(empty, "SELECT to_regclass('schema_migrations')")


def test_tables_that_nobody_recorded(empty: Target) -> None:
    """Both verbs that would load or bring forward say what is the case."""
    database.plan_schema(empty).apply()
    execute(empty, "DELETE FROM schema_migrations")

    for plan in (database.plan_schema, database.plan_migrations):
        with pytest.raises(WrongInput, match="no migration is recorded there: load into a new database"):
            plan(empty)
    assert "none recorded, and tables are there (public.activities, " in str(database.status(empty))


def test_the_status_of_another_schema(empty: Target, files: Path) -> None:
    """A database without Cruddur's tables is told as it is: with its version, or as one that nobody recorded."""
    execute(empty, "CREATE TABLE planets (name text)")
    assert "none recorded, and tables are there (public.planets): load into" in str(database.status(empty))

    write(files / "schema.sql", "CREATE TABLE moons (name text);")
    database.plan_schema(empty).apply()
    found = database.status(empty)
    assert (1, {"moons": 0, "planets": 0}) == (found.schema["version"], found.counts)
    assert "(that of sql/schema.sql)" in str(found)


def test_a_missing_table_is_named(seeded: Target) -> None:
    """With the file of the statement that needs it; what is there is counted all the same."""
    execute(seeded, "DROP TABLE activities CASCADE")

    with pytest.raises(SchemaMissing, match=r'"live_activities" does not exist \(sql/activities/home.sql\): run 03'):
        feeds.home(seeded)
    assert {"users": 5} == database.counts(seeded)
    assert "rows of users  5" in str(database.status(seeded))
