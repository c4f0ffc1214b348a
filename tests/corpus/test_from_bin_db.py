"""Coming from bin/db: what the bootcamp's application says to its database, and what its people type.

The statements are written anew, after what those of omenking/aws-bootcamp-cruddur-2023 do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cruddur_ops import database
from cruddur_ops.cli import main
from cruddur_ops.database.connection import Connection, connect
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target
from tests.database.support import execute, write

DOCUMENT = (PROJECT / "docs/from-bin-db.md").read_text()
SEED = """
INSERT INTO public.users (display_name, email, handle, cognito_user_id)
VALUES ('Andrew Brown', 'andrew@example.com', 'andrewbrown', 'MOCK');
INSERT INTO public.activities (user_uuid, message, expires_at)
VALUES (
    (SELECT uuid FROM public.users WHERE users.handle = 'andrewbrown' LIMIT 1),
    'Here by way of a seed',
    current_timestamp + interval '10 day'
)
"""
AUTHOR = "(SELECT uuid FROM public.users WHERE users.cognito_user_id = %(cognito_user_id)s LIMIT 1)"
CREATE = f"""
INSERT INTO public.activities (user_uuid, message, expires_at) VALUES ({AUTHOR}, %(message)s, %(expires_at)s) RETURNING uuid;
"""
REPLY = f"""
INSERT INTO public.activities (user_uuid, message, reply_to_activity_uuid)
VALUES ({AUTHOR}, %(message)s, %(reply_to_activity_uuid)s) RETURNING uuid;
"""
JOINED = "FROM public.activities LEFT JOIN public.users ON users.uuid = activities.user_uuid"
HOME = f"""
SELECT activities.uuid, users.display_name, users.handle, activities.message, activities.replies_count,
    activities.reposts_count, activities.likes_count, activities.expires_at, activities.created_at
{JOINED} ORDER BY activities.created_at DESC
"""
OBJECT = f"""
SELECT activities.uuid, users.display_name, users.handle, activities.message, activities.created_at, activities.expires_at,
    activities.reply_to_activity_uuid
{JOINED} WHERE activities.uuid = %(uuid)s
"""
UPDATE = """
UPDATE public.users SET bio = %(bio)s, display_name = %(display_name)s WHERE users.cognito_user_id = %(cognito_user_id)s
RETURNING handle;
"""


@pytest.fixture
def backend(empty: Target, files: Path) -> Iterator[Connection]:
    """The backend's connection, as the application's role, to our schema with a seed like the bootcamp's."""
    write(files / "seed.sql", SEED)
    for plan in (database.plan_schema, database.plan_roles, database.plan_seed):
        plan(empty).apply()
    with connect(empty) as connection:
        connection.execute("SET ROLE cruddur_app")
        yield connection


def value(connection: Connection, statement: str, **parameters: object) -> Any:
    """The one value that a statement returns."""
    row = connection.execute(statement.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


def as_json(connection: Connection, statement: str, **parameters: object) -> Any:
    """The rows as the backend wraps them."""
    wrapped = f"SELECT COALESCE(array_to_json(array_agg(row_to_json(found))), '[]'::json) FROM ({statement}) found;"
    return value(connection, wrapped, **parameters)


def test_its_statements_run(backend: Connection) -> None:
    """Create, reply, home and object, and the profile: on our schema, by the application's role."""
    later = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    created = value(backend, CREATE, cognito_user_id="MOCK", message="A crud", expires_at=later)
    replied = value(backend, REPLY, cognito_user_id="MOCK", message="A reply", reply_to_activity_uuid=str(created))

    assert {"A crud", "A reply", "Here by way of a seed"} == {one["message"] for one in as_json(backend, HOME)}
    (shown,) = as_json(backend, OBJECT, uuid=str(replied))
    assert ("andrewbrown", str(created)) == (shown["handle"], shown["reply_to_activity_uuid"])
    assert "andrewbrown" == value(backend, UPDATE, bio="Cloud", display_name="Andrew", cognito_user_id="MOCK")


def test_nobody_posts_as_nobody(backend: Connection) -> None:
    """As the document says: an author who is not there is refused by the column."""
    with pytest.raises(psycopg.errors.NotNullViolation, match="user_uuid"):
        value(backend, CREATE, cognito_user_id="nobody", message="A crud", expires_at=None)


def test_whom_its_app_names_is_seeded(seeded: Target) -> None:
    """Our seed has them too."""
    found = execute(seeded, "SELECT handle FROM users WHERE handle IN ('andrewbrown', 'bayko', 'londo') ORDER BY 1")
    assert [("andrewbrown",), ("bayko",), ("londo",)] == found


SCRIPTS = re.findall(r"^\| `bin/[\w/-]+` \| `cruddur-ops ([\w -]+)` \|", DOCUMENT, re.MULTILINE)


def test_every_script_is_a_verb() -> None:
    """The document names none that is not there."""
    assert 14 == len(SCRIPTS)
    for words in SCRIPTS:
        group, verb = words.split()
        assert verb in main.commands[group].commands  # type: ignore[attr-defined]
