"""Pages of the lists that services answer with: what leads to the next one is the number of rows before it, as text."""

from collections.abc import Sequence
from typing import Any


def cut(rows: Sequence[Any], token: str | None, size: int, wrong: Exception | None = None) -> tuple[Sequence[Any], str | None]:
    """So many rows from the token of an answer before on, if any, and the token of the rest; None where nothing is left.

    What is `wrong` is raised for a token that no answer with some of these rows can have had, which each service refuses in its
    own words.
    """
    if wrong and token and not (token.isdecimal() and 0 < int(token) < len(rows)):
        raise wrong
    start = int(token or 0)
    return rows[start : start + size], str(start + size) if start + size < len(rows) else None
