"""Rows as text for a terminal: aligned columns under their names."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows under the names of the first one's columns."""
    names = list(rows[0]) if rows else []
    lines = [names, *([cell(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def pairs(facts: Mapping[str, Any]) -> str:
    """A line for each fact: its name, then its value."""
    width = max(map(len, facts), default=0)
    return "\n".join(f"{name:{width}}  {cell(value)}".rstrip() for name, value in facts.items())


def cell(value: Any) -> str:
    """One value on one line; "-" where there is none. Names are whatever somebody chose, and might move a terminal's cursor."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in str(value))
