"""Other people's sessions on the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest

from cruddur_ops.database.location import locate
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server

Connection = psycopg.Connection[Any]
ROLES = {"guest": "", "boss": "SUPERUSER"}
PASSWORD = "a:b\\c d"


class People:
    """Opens sessions as anybody, and ends them with the test."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        """Begin with nobody."""
        self.server, self.stack = server, stack

    def role(self, name: str) -> str:
        """Make a role, and return its name: guest may connect and no more, boss is a superuser."""
        with self.server.administrator() as administrator:
            administrator.execute(f"DROP ROLE IF EXISTS {name}".encode())
            administrator.execute(f"CREATE ROLE {name} LOGIN {ROLES[name]} PASSWORD '{PASSWORD}'".encode())
        return name

    def connect(self, target: Target, application: str = "theirs", **changes: Any) -> Connection:
        """Connect to the target's database, by default as the target does; nothing is committed by itself."""
        parameters = {**locate(target).parameters, "application_name": application, **changes}
        return self.stack.enter_context(closing(psycopg.connect(**parameters)))

    def guest(self, target: Target, name: str = "guest") -> Connection:
        """Connect as one of the roles."""
        return self.connect(target, name, user=self.role(name), password=PASSWORD)

    def administrator(self, target: Target) -> Connection:
        """Connect as AWS does, as rdsadmin."""
        return self.stack.enter_context(self.server.administrator(locate(target).database))


@pytest.fixture
def people(server: Server) -> Iterator[People]:
    """Nobody yet."""
    with ExitStack() as stack:
        yield People(server, stack)


def alive(connection: Connection) -> bool:
    """Whether the session still is."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
