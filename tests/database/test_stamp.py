"""The environment that a database belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import database
from cruddur_ops.database import stamp
from cruddur_ops.database.connection import connect
from cruddur_ops.database.location import MAINTENANCE_DATABASE, database_name
from cruddur_ops.database.stamp import StampDiffers, StampMissing, stamped, with_stamp
from cruddur_ops.targets import Target
from tests.database.support import execute

NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1)


def test_a_new_database_says_whose_it_is(empty: Target) -> None:
    """Before any schema is loaded, and seen from the maintenance database too."""
    name = database_name(empty)
    with connect(empty) as inside, connect(empty, MAINTENANCE_DATABASE) as outside:
        assert ["local", "local"] == [stamp.read(inside), stamp.read(outside, name)]
        assert ["", ""] == [stamp.read(outside), stamp.read(outside, "nowhere")]
    stamp.require(empty)


def test_another_environment_is_refused(empty: Target) -> None:
    """Both are named, with the way out for a copy; creating over it is refused, too."""
    another = replace(empty, name="prod")

    for step in (stamp.require, database.plan_create, database.create):
        with pytest.raises(StampDiffers, match='"local", and the target is "prod": use --target local.* IS .*prod'):
            step(another)


def test_the_sentence_says_how_to_stamp_a_copy(empty: Target) -> None:
    """Its statement works as it stands."""
    another = replace(empty, name="staging")
    with pytest.raises(StampDiffers) as caught:
        stamp.require(another)
    execute(empty, str(caught.value).partition("stamp it anew: ")[2])

    stamp.require(another)


def test_a_database_without_one(empty: Target) -> None:
    """It is destroyed by nobody until `create` has stamped it, unless it is empty."""
    execute(empty, f"COMMENT ON DATABASE {database_name(empty)} IS 'Ask Ivanova first'")
    stamp.require(empty)  # as long as there is nothing in it
    execute(empty, "CREATE SCHEMA elsewhere")
    execute(empty, "CREATE TABLE elsewhere.one ()")
    with pytest.raises(StampMissing, match="`cruddur-ops db create --target local` stamps it"):
        stamp.require(empty)
    assert 1 == database.create(empty).changed

    stamp.require(empty)
    (comment,) = execute(
        empty, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    )
    assert ("Ask Ivanova first\ncruddur-ops environment: local",) == comment


def test_a_database_that_is_not_there_is_nobodys(target: Target) -> None:
    """There is nothing to compare."""
    stamp.require(target)


@given(st.none() | st.text(), NAMES, NAMES)
def test_a_stamp_is_read_back(comment: str | None, before: str, after: str) -> None:
    """Whatever else the comment says; a second stamp replaces the first."""
    assert after == stamped(with_stamp(with_stamp(comment, before), after))
