"""Aligned text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.texttable import cell, pairs, table


def test_columns_are_aligned() -> None:
    """Each column is as wide as its widest value; nothing trails."""
    rows: list[dict[str, object]] = [{"pid": 7, "user": "cruddur_app", "TLS": True}, {"pid": 1234, "user": None, "TLS": False}]
    assert "pid   user         TLS\n7     cruddur_app  yes\n1234  -            no" == table(rows)


def test_no_rows_are_no_text() -> None:
    """Nothing is shown of nothing."""
    assert ("", "") == (table([]), pairs({}))


def test_facts_are_aligned() -> None:
    """Names to the left, values in one column."""
    assert "size      7\ndatabase  -" == pairs({"size": 7, "database": ""})


@given(st.text())
def test_a_value_is_one_line_that_prints(text: str) -> None:
    """No name that somebody chose breaks a line or moves the cursor."""
    assert cell(text).isprintable()
