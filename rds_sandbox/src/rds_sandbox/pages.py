"""Pages of the lists that services answer with: what leads to the next one is the number of rows before it, as text."""

from collections.abc import Sequence
from typing import Any


def leads_on(token: str, rows: Sequence[Any]) -> bool:
    """Whether the token can be that of an answer with some of these rows, which are not all."""
    return token.isdecimal() and 0 < int(token) < len(rows)


def cut(rows: Sequence[Any], token: str | None, size: int, wrong: Exception | None = None) -> tuple[Sequence[Any], str | None]:
    """So many rows from the token of an answer before on, if any, and the token of the rest; None where nothing is left.

    What is `wrong` is raised for a token of no such answer, which each service refuses in its own words.
    """
    if wrong and token and not leads_on(token, rows):
        raise wrong
    start = int(token or 0)
    return rows[start : start + size], str(start + size) if start + size < len(rows) else None
