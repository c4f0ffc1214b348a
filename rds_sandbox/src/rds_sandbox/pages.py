"""Pages of the lists that services answer with: what leads to the next one is the number of rows before it, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def leads_on(token: str, rows: Sequence[Any]) -> bool:
    """Whether the token can be that of an answer with some of these rows, which are not all."""
    return token.isdecimal() and 0 < int(token) < len(rows)


def cut(rows: Sequence[Any], token: str, size: int) -> tuple[Sequence[Any], str | None]:
    """So many rows from a token on, and the token of the rest; None where nothing is left.

    Args:
        rows: all of them.
        token: "0" for the first page, else of an answer before; each service refuses others in its own words.
        size: of the page.
    """
    end = int(token) + size
    return rows[int(token) : end], str(end) if end < len(rows) else None
