"""Seeds as people write them: what they did is found out, whatever they say; what cannot be run says so in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cruddur_ops import database, queries
from cruddur_ops.change import Outcome
from cruddur_ops.errors import ConfirmationRequired, WrongInput
from cruddur_ops.target import Target
from tests.database.support import execute, write

OURS = queries.load("seed").text
USER = "INSERT INTO users (handle, display_name, email) VALUES ('g''kar', 'G''Kar of Narn', 'gkar@example.com')"
# A file, and what its plan says of it.
DOINGS = {
    "a delete": ("DELETE FROM activities;", ["- deleted rows of activities"]),
    "a cascade": ("DELETE FROM users WHERE handle = 'londo';", ["- deleted rows of activities", "- deleted rows of users"]),
    "a truncate": ("TRUNCATE activities;", ["- rows of activities"]),
    "an insert that tells nothing": (f"{USER};", ["+ new rows of users"]),
    "a set before it": (f"SET statement_timeout = 0; {USER};", ["+ new rows of users"]),
    "an update": ("UPDATE users SET bio = 'x' WHERE handle = 'londo'", ["~ changed rows of users"]),
    "a delete before rows that are told": (f"DELETE FROM activities;\n{OURS}", ["+ new rows of activities", "- deleted rows"]),
    "a delete after them": (f"{OURS}\nDELETE FROM activities WHERE message LIKE 'Cloud%';", ["- deleted rows of activities"]),
    "a claim": (f"{USER}; SELECT 'unchanged' AS action, 'nothing' AS resource;", ["+ new rows of users"]),
    "a table": ("CREATE TABLE planets ();", ["+ table planets"]),
    "a column": ("ALTER TABLE users ADD COLUMN planet text;", ["~ table users"]),
    "a default": ("ALTER TABLE users ALTER COLUMN bio SET DEFAULT 'x';", ["~ table users"]),
    "a drop": ("DROP VIEW live_activities;", ["- table live_activities"]),
    "a function": ("CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';", ["~ definitions"]),
    "a temporary table": (
        "CREATE TEMP TABLE planets (name text) ON COMMIT DROP;\nCOPY planets FROM stdin;\nNarn; it's far\n\\.\n"
        "UPDATE users SET bio = (SELECT name FROM planets) WHERE handle = 'londo';",
        ["~ changed rows of users"],
    ),
    "a domain beside a temporary table": ("CREATE TEMP TABLE planets (); CREATE DOMAIN planet AS text;", ["+ type planet"]),
    "a schema beside one": ("CREATE TEMP TABLE planets (); CREATE SCHEMA stars;", ["+ schema stars"]),
    "a default beside one": ("CREATE TEMP TABLE p (); ALTER TABLE users ALTER bio SET DEFAULT 'x';", ["~ table users"]),
    "a sequence and an index beside one": (
        "CREATE TEMP TABLE p (name text PRIMARY KEY); CREATE SEQUENCE s; CREATE INDEX i ON users (bio);",
        ["+ index i", "+ sequence s"],
    ),
    "a view beside one": (
        "CREATE TEMP TABLE p (); CREATE OR REPLACE VIEW live_activities AS TABLE live_activities",
        ["~ table live_activities"],
    ),
    "a copy": (
        "COPY users (handle, display_name, email) FROM stdin;\ng'kar\tG'Kar; \"of\" $$Narn\tgkar@example.com\n\\.\n",
        ["+ new rows of users"],
    ),
    "a copy with a quoted semicolon": (
        "COPY users (handle, display_name, email) FROM stdin WITH (FORMAT csv, DELIMITER ';');\nlyta;Lyta;l@example.com\n\\.\n",
        ["+ new rows of users"],
    ),
    "a block": ("DO $$BEGIN DELETE FROM activities; END$$;", ["- deleted rows of activities"]),
    "percent signs": ("DELETE FROM activities WHERE message LIKE 'Cloud%';", ["- deleted rows of activities"]),
}


def seed(files: Path, text: str) -> None:
    """Put a seed in the place of ours."""
    write(files / "seed.sql", text)


@pytest.mark.parametrize("name", DOINGS)
def test_what_a_seed_does_is_confirmed(unchanged: Target, files: Path, name: str) -> None:
    """The plan shows it, and without confirmation nothing of it is done."""
    text, expected = DOINGS[name]
    seed(files, text)
    protected = replace(unchanged, protected=True)
    before = execute(unchanged, "SELECT count(*) FROM activities"), execute(unchanged, "TABLE users")

    plan = database.plan_seed(protected)
    lines = [str(change) for change in plan.mutating]
    assert [True] * len(expected) == [line.startswith(start) for line, start in zip(lines, expected, strict=True)]
    with pytest.raises(ConfirmationRequired):
        plan.apply()
    assert before == (execute(unchanged, "SELECT count(*) FROM activities"), execute(unchanged, "TABLE users"))


NOTHING = {
    "a comment below": f"{OURS}\n-- that is all; really\n",
    "no rows": "DELETE FROM activities WHERE message = 'nobody wrote this';",
    "a question": "SELECT count(*) FROM users;",
    "a conflict": f"{USER.replace('gkar', 'londo').replace('gkar@', 'londo@')} ON CONFLICT DO NOTHING;",
    "a temporary table": "CREATE TEMP TABLE planets ON COMMIT DROP AS SELECT 'Narn' AS name;",
    "settings of another version": "SET setting_of_another_version = 0; SET SESSION another_one TO 'x';",
    "settings of pg_dump": "SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\nSELECT 1;",
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_changes_nothing_needs_no_confirmation(seeded: Target, files: Path, name: str) -> None:
    """Nothing to agree to, and nothing changed."""
    seed(files, NOTHING[name])
    outcome = database.plan_seed(replace(seeded, protected=True)).apply()

    assert 0 == outcome.created + outcome.changed + outcome.deleted
    assert {"activities": 12, "users": 5} == database.counts(seeded)


def test_what_was_counted_is_applied(seeded: Target, files: Path) -> None:
    """Applied as shown; and what a file sets holds for the file alone."""
    seed(files, f"SET DateStyle = 'German'; SET search_path = nowhere, public; {USER};")

    assert Outcome(created=1) == database.plan_seed(seeded).apply()
    assert {"activities": 12, "users": 6} == database.counts(seeded)


REFUSED = {
    "a commit": ("DELETE FROM activities;\nCOMMIT;", "line 2: COMMIT begins or ends a transaction: take it out"),
    "a begin": ("BEGIN; DELETE FROM activities;", "line 1: BEGIN begins or ends"),
    "a start": ("START TRANSACTION; DELETE FROM activities;", "line 1: START begins or ends"),
    "a rollback": ("DELETE FROM activities;\n\n  /* ; */ rollback;", "line 3: ROLLBACK begins or ends"),
    "an end": ("DELETE FROM activities; END", "line 1: END begins or ends"),
    "after a backslash in a string": ("SELECT '\\'; COMMIT; --'", "line 1: COMMIT begins or ends"),
    "after an escaped string": ("SELECT E'\\'';COMMIT", "line 1: COMMIT begins or ends"),
    "after comments within comments": ("/* a /* b */ ; */\nCOMMIT", "line 2: COMMIT begins or ends"),
    "after a dollar quote": ("DO $a$BEGIN NULL; END $a$;\nCOMMIT", "line 2: COMMIT begins or ends"),
    "after data": ("COPY users (bio) FROM stdin;\n'\n\\.\nCOMMIT;", "line 4: COMMIT begins or ends"),
    "a role": ("SET ROLE cruddur_reader;", "line 1: SET ROLE acts as somebody else: take it out"),
    "a local role": ("SET LOCAL ROLE cruddur_reader;", "line 1: SET LOCAL acts as somebody else"),
    "an authorization": ("SET SESSION AUTHORIZATION DEFAULT;", "line 1: SET SESSION acts as somebody else"),
    "no role": ("RESET ROLE;", "line 1: RESET ROLE acts as somebody else"),
    "another database": ("\\connect other\nDELETE FROM users;", r"line 1: \\connect is a command of psql's own: take it out"),
    "a database": ("SELECT 1;\nCREATE DATABASE chinook;", "line 2: CREATE DATABASE is about another database: take it out"),
    "another file": ("SELECT 1;\n\\i more.sql\n", r"line 2: \\i is a command of psql's own"),
    "a command after data": ("COPY users (bio) FROM stdin;\nx\n\\.\n\\d users\n", r"line 4: \\d is a command of psql's own"),
    "a vacuum": ("VACUUM users;", "line 1: VACUUM cannot run inside a transaction block: put it alone into a migration"),
    "a concurrent index": ("CREATE INDEX CONCURRENTLY x ON users (bio)", "line 1: CREATE INDEX CONCURRENTLY cannot run inside"),
    "an open quote": ("SELECT 'a\n';\nSELECT E'\\'\n;", "line 3: a quote is opened and not closed: close it"),
    "an open quote after data": ("COPY users (bio) FROM stdin;\nx\n\\.\nDO $a$x$$;", "line 4: a quote is opened"),
    "an open comment": ("SELECT 1; /* x", ": a quote or a comment is opened and not closed: close it"),
    "data without an end": ("COPY users (bio) FROM stdin;\nx\n", "line 1: the data of this COPY have no end"),
    "a copy to nobody": ("COPY users TO STDOUT;", "line 1: this COPY has no data in the file"),
    "nothing": ("-- to be written\n", "has no statement yet: write it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_leave_the_transaction(unchanged: Target, files: Path, name: str) -> None:
    """Refused before anything is sent, with file and line; a plan changes nothing."""
    text, sentence = REFUSED[name]
    seed(files, text)

    with pytest.raises(WrongInput, match=rf"^sql/seed\.sql.*{sentence}"):
        database.plan_seed(unchanged)
    assert {"activities": 12, "users": 5} == database.counts(unchanged)


TAKEN = "INSERT INTO users (handle, display_name, email) VALUES ('x', 'x', 'londo@example.com');"
FAULTS = {
    "a duplicate": (f"SELECT 1;\n{TAKEN}", 'line 2: duplicate key value violates unique constraint "users_email_key"'),
    "a duplicate in data": (
        "COPY users (handle, display_name, email) FROM stdin;\nx\tx\tlondo@example.com\n\\.\n",
        "line 1: duplicate key",
    ),
    "a row that does not fit": (
        "ALTER TABLE users ALTER email TYPE integer USING email::integer",
        "line 1: invalid input syntax",
    ),
    "a row of data": ("COPY users (email) FROM stdin;\nlondo@example.com\n\\.\n", "line 1: null value in column"),
    "no table": ("INSERT INTO planets DEFAULT VALUES", 'line 1: relation "planets" does not exist'),
    "a savepoint that is not": ("ROLLBACK TO SAVEPOINT nowhere", 'line 1: savepoint "nowhere" does not exist'),
    "two lines of data": ("COPY users (bio, email) FROM stdin;\nx\tlondo@example.com\ty\n\\.\n", "line 1: extra data after last"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_error_is_a_sentence_without_data(unchanged: Target, files: Path, name: str) -> None:
    """With file and line, and nothing that stands in a row."""
    text, sentence = FAULTS[name]
    seed(files, text)

    with pytest.raises(
        WrongInput, match=rf"^sql/seed\.sql, {sentence}.*: (correct the file and repeat|a seed is run again)"
    ) as caught:
        database.plan_seed(unchanged)
    assert "example.com" not in str(caught.value)
    assert name.startswith("a duplicate") == ("write INSERT ... ON CONFLICT DO NOTHING" in str(caught.value))


def test_data_that_may_be_there(seeded: Target, files: Path) -> None:
    """By way of a temporary table a COPY is run again without harm, as the sentence says; and is verified."""
    data = "COPY given (handle, display_name, email) FROM stdin;\nlondo\tx\tlondo@example.com\nx\tx\tx@example.com\n\\.\n"
    insert = "INSERT INTO users SELECT * FROM given ON CONFLICT DO NOTHING;"
    seed(files, f"CREATE TEMP TABLE given (LIKE users INCLUDING DEFAULTS) ON COMMIT DROP;\n{data}{insert}")

    plan = database.plan_seed(seeded)
    assert Outcome(created=1) == plan.apply()
    assert "verified" in repr(plan.verify())


@pytest.mark.parametrize(
    "line", ["SET client_encoding = 'LATIN1';", "SET NAMES 'SQL_ASCII';", "set session client_encoding to latin1;"]
)
def test_an_encoding_that_the_file_no_longer_has(seeded: Target, files: Path, line: str) -> None:
    """A file is UTF-8, whatever it was when it said so of itself."""
    data = "COPY users (handle, display_name, email) FROM stdin;\nx\tLond\u00f6 \u2615\tx@example.com\n\\.\n"
    seed(files, f"{line}\n{data}UPDATE users SET bio = '\u2615' WHERE handle = 'x';")

    database.plan_seed(seeded).apply()
    assert [("Lond\u00f6 \u2615", "\u2615")] == execute(seeded, "SELECT display_name, bio FROM users WHERE handle = 'x'")


def test_an_archive(unchanged: Target, files: Path) -> None:
    """What pg_dump -Fc writes is no SQL."""
    (files / "seed.sql").write_bytes(b"PGDMP\x01\x10\x00\x04\x08\xff")
    queries.load.cache_clear()

    with pytest.raises(WrongInput, match=r"sql/seed\.sql is an archive of pg_dump's: write it as SQL with `pg_restore --file`"):
        database.plan_seed(unchanged)


LINES = "UPDATE users\r\nSET display_name = 'Lond\u00f6'\r\nWHERE handle = 'londo';\r\n"


def test_a_byte_order_mark(seeded: Target, files: Path) -> None:
    """It is read over, as Windows' line ends are."""
    (files / "seed.sql").write_bytes(LINES.encode("utf-8-sig"))
    queries.load.cache_clear()

    database.plan_seed(seeded).apply()
    assert [("Lond\u00f6",)] == execute(seeded, "SELECT display_name FROM users WHERE handle = 'londo'")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_other_encodings(unchanged: Target, files: Path, encoding: str) -> None:
    """What is not in UTF-8 is told."""
    (files / "seed.sql").write_bytes(LINES.encode(encoding))
    queries.load.cache_clear()

    with pytest.raises(WrongInput, match=r"sql/seed\.sql .*save it as UTF-8"):
        database.plan_seed(unchanged)
