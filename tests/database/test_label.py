"""The environment that a database belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import database
from cruddur_ops.database import label
from cruddur_ops.database.connection import connect
from cruddur_ops.database.drop import plan_drop
from cruddur_ops.database.label import labelled, with_label
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.errors import WrongInput
from cruddur_ops.targets import Target
from tests.database.support import execute


def require(target: Target) -> None:
    """Look from outside."""
    with connect(target, MAINTENANCE_DATABASE, autocommit=True) as connection:
        label.require(target, connection)


NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1)


def test_a_new_database_says_whose_it_is(empty: Target) -> None:
    """Before any schema is loaded, and seen from the maintenance database too."""
    name = database_name(empty)
    with connect(empty) as inside, connect(empty, MAINTENANCE_DATABASE) as outside:
        assert ["local", "local"] == [label.read(inside), label.read(outside, name)]
        assert ["", ""] == [label.read(outside), label.read(outside, "nowhere")]
    require(empty)


def test_another_environment_is_refused(empty: Target) -> None:
    """Both are named, with the way out for a copy; creating over it is refused, too."""
    another = replace(empty, name="prod")

    for step in (require, database.plan_create, plan_drop):
        with pytest.raises(WrongInput, match='"local", and the target is "prod": use --target local.* IS .*prod'):
            step(another)


def test_the_sentence_says_how_to_label_a_copy(empty: Target) -> None:
    """Its statement works as it stands."""
    another = replace(empty, name="staging")
    with pytest.raises(WrongInput) as caught:
        require(another)
    execute(empty, str(caught.value).partition("label it anew: ")[2])

    require(another)


def test_a_database_without_one(empty: Target) -> None:
    """It is destroyed by nobody until `create` has labelled it, unless it is empty."""
    execute(empty, f"COMMENT ON DATABASE {database_name(empty)} IS 'Ask Ivanova first'")
    require(empty)  # as long as there is nothing in it
    execute(empty, "CREATE SCHEMA elsewhere")
    execute(empty, "CREATE TABLE elsewhere.one ()")
    with pytest.raises(WrongInput, match="`cruddur-ops db create --target local` labels it"):
        require(empty)
    assert 1 == database.plan_create(empty).apply().changed

    require(empty)
    (comment,) = execute(
        empty, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    )
    assert ("Ask Ivanova first\ncruddur-ops environment: local",) == comment


def test_a_database_that_is_not_there_is_nobodys(target: Target) -> None:
    """There is nothing to compare."""
    require(target)


@given(st.none() | st.text(), NAMES, NAMES)
def test_a_label_is_read_back(comment: str | None, before: str, after: str) -> None:
    """Whatever else the comment says; a second label replaces the first."""
    assert after == labelled(with_label(with_label(comment, before), after))
