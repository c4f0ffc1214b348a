"""The loader of sql/, and what every file in it must be like."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cruddur_ops import queries
from cruddur_ops.errors import WrongInput


def test_load_reads_a_file() -> None:
    """A query has its name, the first line without the dashes, and the whole text."""
    query = queries.load("activities/home")

    assert "activities/home" == query.name
    assert "The home feed: live activities of everybody, newest first." == query.description
    assert (queries.FOLDER / "activities/home.sql").read_text() == query.text == str(query)


def test_load_reads_once() -> None:
    """The second time the same object comes back."""
    assert queries.load("activities/home") is queries.load("activities/home")


def test_unknown_name_gets_the_nearest() -> None:
    """A typing error is answered with the name that was meant."""
    with pytest.raises(WrongInput, match='no query "activities/hom": did you mean "activities/home"?'):
        queries.load("activities/hom")


@example("/\0")
@given(st.text())
def test_any_name_is_known_or_refused(name: str) -> None:
    """Nothing but the listed names leads to a file, wherever the path points."""
    for path in (name, f"../{name}", f"activities/../{name}"):
        if path not in queries.names():
            with pytest.raises(WrongInput):
                queries.load(path)


def test_all_queries_are_listed_by_name() -> None:
    """Every file below sql/ is a query."""
    listed = list(queries.names())

    assert sorted(listed) == listed
    assert len(list(queries.FOLDER.rglob("*.sql"))) == len(listed)


@pytest.mark.parametrize("query", list(map(queries.load, queries.names())), ids=lambda query: str(query.name))
def test_every_file_says_what_it_is_for(query: queries.Query) -> None:
    """The first line is a comment of one sentence, and the file ends with a statement, unless it is a part of one."""
    assert query.text.startswith("-- ")
    assert re.fullmatch(r"[A-Z].+[.:]", query.description)
    assert query.text.endswith(";\n") is not query.name.startswith("parts/")
