"""The server as a whole: asked from the target's database, or from the maintenance database where that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from cruddur_ops.database.connection import connect
from cruddur_ops.database.location import MAINTENANCE_DATABASE
from cruddur_ops.database.unreachable import DatabaseMissing
from cruddur_ops.targets import Target


@contextmanager
def on_server(target: Target) -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own, on which each statement commits by itself.

    Raises:
        DatabaseUnreachable: no connection came about.
    """
    try:
        connection = connect(target, autocommit=True)
    except DatabaseMissing:
        connection = connect(target, MAINTENANCE_DATABASE, autocommit=True)
    with connection:
        yield connection
