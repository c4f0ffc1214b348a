"""Dropping a database on a real server: only the target's own, and with nobody in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cruddur_ops import database
from cruddur_ops.change import Action, Outcome
from cruddur_ops.cli import main
from cruddur_ops.database import drop
from cruddur_ops.database.connection import connect, session
from cruddur_ops.database.drop import plan_drop
from cruddur_ops.database.errors import DatabaseMissing, NotPermitted
from cruddur_ops.database.location import locate
from cruddur_ops.errors import ConfirmationRequired, InUse, RunInProgress, WrongInput
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.people import PASSWORD, People, alive
from tests.database.support import Process, some
from tests.unit.headless import until

DROPPING = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%DROP DATABASE%'"
At = Callable[..., Target]


def there(target: Target) -> bool:
    """Whether the database exists."""
    try:
        connect(target).close()
    except DatabaseMissing:
        return False
    return True


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Drops without looking first, as after a look that is out of date by now."""
    look = drop._require_alone
    looks = [lambda *_: None]

    def run(target: Target, *, force: bool = False) -> None:
        session(target).close()
        looks[:] = [lambda *_: None]
        monkeypatch.setattr(drop, "_require_alone", lambda *arguments: (looks.pop() if looks else look)(*arguments))
        with connect(target, "postgres", autocommit=True) as connection:
            drop._drop(connection, locate(target).database, force)

    return run


def test_drops_and_converges(seeded: Target) -> None:
    """All that is in it goes, also while this process holds a connection to it; the second time nothing is left to do."""
    assert "1 to delete" in str(plan_drop(seeded))
    plan = plan_drop(seeded)
    assert [Outcome(deleted=1), Outcome(unchanged=1)] == [plan.apply(), plan_drop(seeded).apply()]
    assert repr(plan.verify()).endswith(" is gone")
    assert Action.NONE is plan_drop(seeded).changes[0].action
    assert not there(seeded)


ODD_NAMES = ["my db; drop", 'quoted "name"', "ünïcode 🎉", "UPPER", "select", "a'b"]


@pytest.mark.parametrize("name", some(ODD_NAMES, 'quoted "name"', "ünïcode 🎉"))
def test_odd_names(at: At, name: str) -> None:
    """A name that needs quoting is quoted, and no other database goes."""
    target, other = at(name), at(name.lower() + "x")
    for one in (other, target):
        database.plan_create(one).apply()

    assert Outcome(deleted=1) == plan_drop(target).apply()
    assert [False, True] == [there(target), there(other)]
    plan_drop(other).apply()


@pytest.mark.parametrize("name", ["postgres", "template0", "template1", "rdsadmin"])
def test_the_servers_own_databases_are_kept(at: At, name: str) -> None:
    """Neither planned nor dropped, not even by force; nobody is asked."""
    target = replace(at(name), connection_url=f"postgresql://nobody@127.0.0.1:1/{name}")
    with pytest.raises(WrongInput, match=f"database {name} belongs to the server and is never dropped"):
        plan_drop(target, force=True)


def test_who_is_connected_is_listed(seeded: Target, people: People) -> None:
    """Who, from where, since when, doing what; nothing is dropped, nobody is ended."""
    theirs = people.connect(seeded, "api")
    theirs.execute("SELECT message FROM activities WHERE message <> 'canary'")

    with pytest.raises(InUse) as caught:
        plan_drop(seeded).apply()
    first, heading, line, remedy = str(caught.value).splitlines()
    assert first.endswith("is in use and was not dropped:")
    assert ["pid", "user", "database", "address", "application", "state", "for"] == heading.split()[:7]
    assert {"cruddurroot", "api", "SELECT"} <= set(line.split())
    assert "idle in transaction" in line
    assert remedy.endswith("or drop with --force")
    assert "canary" not in str(caught.value)
    assert "stands in the way: idle in transaction" in str(plan_drop(seeded))
    assert alive(theirs)


def test_force_ends_them(seeded: Target, people: People) -> None:
    """The plan says whose session ends with the database."""
    theirs = [people.connect(seeded), people.guest(seeded)]

    assert 2 == str(plan_drop(seeded, force=True)).count("ends with it")
    assert Outcome(deleted=1) == plan_drop(seeded, force=True).apply()
    assert [False, False] == [alive(one) for one in theirs]
    assert not there(seeded)


def test_sessions_of_other_databases_are_no_obstacle(seeded: Target, people: People) -> None:
    """Only those in the database itself count, and only those end."""
    theirs = people.connect(seeded, dbname="postgres")

    assert Outcome(deleted=1) == plan_drop(seeded, force=True).apply()
    assert alive(theirs)


@pytest.mark.parametrize("force", [False, True])
def test_aws_is_never_forced_out(seeded: Target, people: People, force: bool) -> None:
    """While rdsadmin is in the database it stays, with all its sessions."""
    aws, theirs = people.administrator(seeded), people.connect(seeded)

    with pytest.raises(InUse, match=r"AWS itself \(rdsadmin\) and was not dropped: repeat"):
        plan_drop(seeded, force=force).apply()
    assert [True, True] == [alive(aws), alive(theirs)]


def test_a_superuser_is_not_forced_out(seeded: Target, people: People) -> None:
    """PostgreSQL refuses as a whole: the others' sessions live on, too."""
    boss, guest = people.guest(seeded, "boss"), people.guest(seeded)

    with pytest.raises(NotPermitted, match=r"was not dropped, permission denied to terminate process.*SUPERUSER"):
        plan_drop(seeded, force=True).apply()
    assert [True, True] == [alive(boss), alive(guest)]


def test_somebody_connects_after_the_look(seeded: Target, people: People, unseen: Callable[..., object]) -> None:
    """PostgreSQL looks once more for itself; who came in between is listed."""
    people.connect(seeded, "late")
    with pytest.raises(InUse, match=r"is in use and was not dropped:\n[^\0]*late"):
        unseen(seeded)
    assert there(seeded)


def test_somebody_drops_it_after_the_look(empty: Target, unseen: Callable[..., object]) -> None:
    """The slower one is told to repeat, and then finds nothing to do."""
    unseen(empty)
    with pytest.raises(RunInProgress, match="repeat"):
        unseen(empty)
    assert Outcome(unchanged=1) == plan_drop(empty).apply()


def test_a_database_of_somebody_else(empty: Target, people: People, at: At, unseen: Callable[..., object]) -> None:
    """Whoever does not own it may not drop it, nor end its sessions."""
    theirs, name = people.connect(empty), locate(empty).database
    guest = at(name, people.role("guest"), PASSWORD)

    with pytest.raises(NotPermitted, match="must be owner of database"):
        unseen(guest, force=True)
    assert alive(theirs)


def test_protected_target_needs_the_databases_name(seeded: Target) -> None:
    """The DB instance's identifier, which other steps ask for, is not enough."""
    protected, name = replace(seeded, protected=True), locate(seeded).database
    session(seeded).close()
    for confirm in ("", "cruddur-db-instance", name.upper()):
        with pytest.raises(ConfirmationRequired, match=f"--confirm {name}"):
            plan_drop(replace(protected, confirm=confirm), force=True).apply()

    assert Outcome(deleted=1) == plan_drop(replace(protected, confirm=name)).apply()
    assert Outcome(unchanged=1) == plan_drop(protected).apply()


def test_a_database_of_another_environment(seeded: Target) -> None:
    """A target that is pointed at the wrong server is refused, and both names are told."""
    prod = replace(seeded, name="prod")
    with pytest.raises(WrongInput, match='environment "local", and the target is "prod"'):
        plan_drop(prod, force=True)
    assert there(seeded)


def test_a_database_that_lets_nobody_in(seeded: Target, server: Server) -> None:
    """It is dropped from outside."""
    session(seeded).close()
    with server.administrator() as administrator:
        administrator.execute(f"ALTER DATABASE {locate(seeded).database} ALLOW_CONNECTIONS false".encode())

    assert Outcome(deleted=1) == plan_drop(seeded).apply()


def test_killed_in_the_middle(seeded: Target, server: Server) -> None:
    """What a killed process has begun the server ends or leaves; the next drop converges."""
    session(seeded).close()
    name = locate(seeded).database
    with server.administrator() as administrator, server.administrator() as watch:
        administrator.execute("BEGIN")
        administrator.execute(f"COMMENT ON DATABASE {name} IS 'cruddur-ops environment: local'".encode())  # holds it back
        process = Process("db", "drop", "--force")
        until(lambda: watch.execute(f"{DROPPING} AND wait_event_type = 'Lock'".encode()).fetchall() != [])
        process.kill()
        administrator.execute("ROLLBACK")
        until(lambda: watch.execute(DROPPING.encode()).fetchall() == [])

    plan_drop(seeded).apply()
    assert Outcome(unchanged=1) == plan_drop(seeded).apply()
    database.plan_create(seeded).apply()
    assert there(seeded)


def test_verb(seeded: Target, people: People) -> None:
    """It says where, plans, refuses with the list on standard error, and drops by force."""
    session(seeded).close()
    people.connect(seeded, "api")
    refused, forced = (CliRunner().invoke(main, ["db", "drop", *options]) for options in ([], ["--force"]))

    assert (1, True) == (refused.exit_code, " api " in refused.stderr)
    assert refused.output.startswith("drop on local: database test_")
    assert (0, True) == (forced.exit_code, "\n0 created, 0 changed, 1 deleted, 0 unchanged\n" in forced.output)
    assert re.fullmatch(r"verified: database test_\d+ is gone", forced.output.splitlines()[-1])
