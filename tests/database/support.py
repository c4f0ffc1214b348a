"""What the database tests do over and over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import queries
from cruddur_ops.database.connection import connect
from cruddur_ops.plan import Plan
from cruddur_ops.target import Target

Planner = Callable[[Target], Plan]
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1"


def execute(target: Target, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement past the package."""
    with connect(target, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def append(path: Path, text: str) -> None:
    """Add to a file of the copy of sql/."""
    write(path, f"{path.read_text()}{text}")


def write(path: Path, text: str) -> None:
    """Write a file of the copy of sql/, so that it is read anew."""
    path.write_text(text)
    queries.load.cache_clear()


def some(names: Iterable[str], *chosen: str) -> list[Any]:
    """The cases of a test: all of them with --all, else those that were chosen."""
    return [name if name in chosen else pytest.param(name, marks=pytest.mark.thorough) for name in names]
