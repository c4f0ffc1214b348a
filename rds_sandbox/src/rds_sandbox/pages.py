"""Pages of the lists that services answer with: what leads to the next one are the numbers of rows before it and from it on."""

import re
from collections.abc import Sequence
from typing import Any

TOKEN = re.compile(r"([1-9]\d{0,8})-([1-9]\d{0,8})")


def cut(rows: Sequence[Any], token: str | None, size: int, wrong: Exception) -> tuple[Sequence[Any], str | None]:
    """So many rows from the token of an answer before on, if any, and the token of the rest; None where nothing is left.

    Whoever deletes what a page has shown, and asks for the next, misses nothing. What is `wrong` is raised for a token that no
    answer can have had, which each service refuses in its own words.
    """
    start = 0
    if token:
        if not (found := TOKEN.fullmatch(token)):
            raise wrong
        before, after = map(int, found.groups())
        start = max(0, min(before, len(rows) - after))
    end = start + size
    return rows[start:end], f"{end}-{len(rows) - end}" if end < len(rows) else None
