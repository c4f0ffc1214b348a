"""The kind of a statement instead of its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.database.masking import COMMANDS, HIDDEN, OBJECTS, OTHER, statement_kind

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"ALTER ROLE cruddur_app PASSWORD '{SECRET}'", "ALTER ROLE"),
        (f"alter user cruddur_app with encrypted password '{SECRET}'", "ALTER USER"),
        (f"SELECT * FROM users WHERE email = '{SECRET}'", "SELECT"),
        (f"/* {SECRET} */ -- {SECRET}\n  (SELECT 1)", "SELECT"),
        (f"-- {SECRET}", OTHER),
        (f"/* {SECRET}", OTHER),
        (SECRET, OTHER),
        (f"{SECRET} SELECT", OTHER),
        (f"PASSWORD '{SECRET}'", OTHER),
        ("CREATE UNLOGGED TABLE t (id int)", "CREATE TABLE"),
        ("create or replace function f()", "CREATE FUNCTION"),
        (f"CREATE {SECRET}", "CREATE"),
        ("COPY users FROM STDIN", "COPY"),
        ("", ""),
        (HIDDEN, ""),
        (";", OTHER),
    ],
)
def test_kinds(text: str, expected: str) -> None:
    """PostgreSQL's own words remain, and nothing else."""
    assert expected == statement_kind(text)


@given(st.text() | st.builds(lambda start, rest: f"{start} {rest}", st.sampled_from(COMMANDS.split("|")), st.text()))
def test_nothing_of_a_text_is_shown_but_known_words(text: str) -> None:
    """Whatever stands in a statement, its kind is made of the words of two lists."""
    assert set(statement_kind(text).split()) <= {*COMMANDS.split("|"), *OBJECTS.split("|"), OTHER}
