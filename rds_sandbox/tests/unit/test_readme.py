"""The README shows what is tested."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_the_test_that_it_shows_is_the_example() -> None:
    """Word for word."""
    shown = (PROJECT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    assert (PROJECT / "tests" / "example" / "test_database.py").read_text() == shown
