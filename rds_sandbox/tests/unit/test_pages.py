"""Pages of a list that changes while somebody turns them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rds_sandbox.pages import cut

WRONG = ValueError("wrong")
ROWS = st.lists(st.integers(), unique=True, max_size=30)
SIZES = st.integers(1, 10)


@given(ROWS, SIZES, st.data())
def test_whoever_deletes_what_a_page_showed_misses_nothing(rows: list[int], size: int, data: st.DataObject) -> None:
    """Every row is shown once, whichever of those shown are gone by then, all or none too."""
    page, token = cut(rows, None, size, WRONG)
    left, seen = list(rows), list(page)
    while token:
        gone = data.draw(st.sets(st.sampled_from(seen)))
        left = [row for row in left if row not in gone]
        page, token = cut(left, token, size, WRONG)
        seen += page
    assert rows == seen


@given(ROWS, SIZES, st.lists(st.integers(), max_size=5))
def test_rows_that_are_added_at_the_end(rows: list[int], size: int, more: list[int]) -> None:
    """They are shown last."""
    seen, token = cut(rows, None, size, WRONG)
    while token:
        page, token = cut(left := [*rows, *more], token, size, WRONG)
        seen = [*seen, *page]
        assert seen == left[: len(seen)]


@pytest.mark.parametrize("token", ["x", "1", "1-", "-1", "0-1", "1-0", "1-1-1", " 1-1", f"{'9' * 5000}-1", "١-١"])
def test_a_token_of_no_answer(token: str) -> None:
    """It is refused."""
    with pytest.raises(ValueError, match="wrong"):
        cut([1, 2, 3], token, 1, WRONG)
