"""What stands in the way of a major upgrade, planted on a real server and found with its remedy; and what is left to do then."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import on_server
from cruddur_ops.database.prechecks import _in_database, require_upgradable
from cruddur_ops.database.statements import ask
from cruddur_ops.errors import NotVerified, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import USER, drop_left
from tests.database.support import execute

NEXT = "19.1"  # than the server's
VIEW = "its columns change from version to version: drop the view, and make it anew after the upgrade"
Superuser = Callable[..., None]


@pytest.fixture(autouse=True)
def _alone(server: Server) -> None:
    """Nobody looks into the databases of other tests."""
    drop_left(server)


@pytest.fixture
def superuser(server: Server) -> Superuser:
    """Plants what the master user may not."""

    def run(*statements: str) -> None:
        with server.administrator() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    return run


def found(target: Target) -> list[str]:
    """The lines of what was found."""
    return [str(one) for one in database.prechecks(target, NEXT).found]


def test_nothing_in_the_way(seeded: Target) -> None:
    """Then the upgrade may begin."""
    require_upgradable(seeded, NEXT)
    assert "verified: nothing that can be seen is in the way of 19.1" == repr(database.prechecks(seeded, NEXT).require_none())
    assert () == database.plan_mend(seeded).mutating


def test_what_is_in_the_whole_server(seeded: Target, superuser: Superuser) -> None:
    """A prepared transaction, an invalid database, a slot, a role of a reserved name, an odd name of a database."""
    superuser("CREATE DATABASE cut_off", 'CREATE DATABASE "with $ign"', "CREATE ROLE mine")
    superuser("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'cut_off'")
    superuser("UPDATE pg_authid SET rolname = 'pg_mine' WHERE rolname = 'mine'")
    superuser("SELECT pg_create_logical_replication_slot('consumer', 'pgoutput')")
    execute(seeded, "BEGIN; CREATE TABLE half (made int); PREPARE TRANSACTION 'forgotten'")
    try:
        lines = "\n".join(found(seeded))
    finally:
        execute(seeded, "ROLLBACK PREPARED 'forgotten'")
        superuser("SELECT pg_drop_replication_slot('consumer')", 'DROP DATABASE "with $ign"')
        superuser("UPDATE pg_authid SET rolname = 'mine' WHERE rolname = 'pg_mine'", "DROP ROLE mine", "DROP DATABASE cut_off")
    for expected in (
        "BLOCKS: open prepared transaction forgotten: commit it or roll it back",
        "BLOCKS: invalid database cut_off: its removal was cut off",
        "BLOCKS: role pg_mine: names that begin with pg_ are PostgreSQL's own",
        'BLOCKS: the name of database "with $ign": RDS',
        "look: logical replication slot consumer: let its consumer catch up",  # from 17 on it goes along
    ):
        assert expected in lines


def test_what_is_in_a_database(seeded: Target) -> None:
    """Types that are not carried over, wherever they hide, and views on what changes; in other schemas, too."""
    execute(seeded, "CREATE SCHEMA odd")
    execute(seeded, "CREATE DOMAIN odd.callback AS regproc; CREATE TABLE odd.domains (one odd.callback, many regproc[])")
    execute(seeded, "CREATE VIEW odd.now AS SELECT pid FROM pg_stat_activity")
    lines = found(seeded)
    assert lines == [
        "BLOCKS: column odd.domains.many of type regproc[]: pg_upgrade does not carry regproc over: change its type",
        "BLOCKS: column odd.domains.one of type odd.callback: pg_upgrade does not carry regproc over: change its type",
        f"BLOCKS: view odd.now reads pg_stat_activity: {VIEW}",
    ]
    with pytest.raises(NotVerified, match=r"the upgrade to 19\.1 would fail: column odd.domains.many"):
        database.prechecks(seeded, NEXT).require_none()


def test_extensions(seeded: Target, superuser: Superuser) -> None:
    """One that RDS does not have of the new version blocks."""
    with database.connection.connect(seeded) as connection:
        lines = [str(one) for one in _in_database(connection, 18, frozenset({"vector"}))]
    assert ["BLOCKS: extension plpgsql: RDS has none for PostgreSQL 18: replace what uses it, then drop it"] == lines


def test_columns_that_are_mended(seeded: Target) -> None:
    """Their values are kept as text; a domain is somebody's decision."""
    execute(seeded, "CREATE DOMAIN callback AS regproc; CREATE TABLE odd (function regprocedure, other callback)")
    execute(seeded, "INSERT INTO odd VALUES ('lower(text)', 'now')")
    with pytest.raises(WrongInput, match="a major upgrade would fail: column odd.function of type regprocedure"):
        require_upgradable(seeded, NEXT)
    plan = database.plan_mend(seeded)
    assert Outcome(changed=1) == plan.outcome == plan.apply()
    plan.verify()
    assert [("lower(text)", "now")] == execute(seeded, "SELECT * FROM odd")
    assert ["BLOCKS: column odd.other of type callback: pg_upgrade does not carry regproc over: change its type"] == found(seeded)


@pytest.fixture
def others(server: Server, superuser: Superuser) -> Iterator[None]:
    """Databases of somebody else: one in which the master user has a table too, and one that lets nobody in."""
    superuser("CREATE ROLE somebody", "CREATE DATABASE beside OWNER somebody", "CREATE DATABASE closed OWNER somebody")
    superuser("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    with server.administrator("beside") as connection:
        connection.execute("CREATE TABLE theirs (what int); CREATE TABLE mine (what int); ALTER TABLE theirs OWNER TO somebody")
        connection.execute(f"ALTER TABLE mine OWNER TO {USER}".encode())
    yield
    superuser("DROP DATABASE beside WITH (FORCE)", "DROP DATABASE closed WITH (FORCE)", "DROP ROLE somebody")


@pytest.mark.usefixtures("others")
def test_what_is_left_to_do_afterwards(seeded: Target) -> None:
    """In all databases of the server, as far as rights go, once; what is somebody else's to do is said."""
    plan = database.plan_after_upgrade(seeded)
    assert f"~ database {database_name(seeded)}: statistics = new" in str(plan)
    assert "~ database beside: statistics = new  (reads a sample of each table; 1 tables are their owners' to ANALYZE)" in str(
        plan
    )
    plan.apply()
    plan.verify()
    left = database.plan_after_upgrade(seeded)
    assert () == left.mutating
    assert "= database beside  (1 tables are their owners' to ANALYZE)" in str(left)
    assert "= database closed  (lets nobody in as this user: its owner updates its extensions" in str(left)


@pytest.mark.usefixtures("others")
def test_a_database_that_lets_nobody_in_ends_no_check(seeded: Target) -> None:
    """It is told, since RDS looks into it."""
    assert ["look: database closed lets nobody in as this user: RDS looks into it all the same: so should its owner"] == found(
        seeded
    )


def test_what_speaks_against_blue_green(seeded: Target) -> None:
    """Tables without a key, but for those that are replicated as a whole, and large objects; nothing of the schema itself."""

    def reasons() -> list[str]:
        with on_server(seeded) as connection:
            return [row["reason"] for row in ask(connection, "upgrade/blue_green")]

    assert [] == reasons()
    execute(seeded, "CREATE TABLE keyless (what int); CREATE TABLE whole (what int); ALTER TABLE whole REPLICA IDENTITY FULL")
    execute(seeded, "SELECT lo_from_bytea(0, 'large')")
    assert ["1 large objects are not replicated", "table keyless has no primary key and no REPLICA IDENTITY FULL"] == reasons()
