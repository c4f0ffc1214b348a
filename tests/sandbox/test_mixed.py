"""Mixed verbs for minutes, where AWS answers late and calls fail at random: after each, everything is as a model says.

The model knows of each verb whether it is refused, and else what is there after it. A refused verb changes nothing; one that
a fault cut off is repeated, as its message asks, until it has come to its end. What failed is drawn again with the same seed.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from click.testing import CliRunner

from cruddur_ops import cognito
from cruddur_ops.cli import main
from cruddur_ops.cli.groups import Commands
from cruddur_ops.database import connection, migrations
from cruddur_ops.database.location import locate
from cruddur_ops.errors import OpsError
from cruddur_ops.rds.restores import sibling
from cruddur_ops.target import Target
from cruddur_ops.targets import load
from rds_sandbox import Sandbox
from tests.sandbox.faults import AFTER, BEFORE, Killed, Line, Strike, line
from tests.sandbox.support import Client, make_client

__all__ = ["line"]
NAME, COPY, KEPT = "cruddur-db-instance", "other", "retired"
SNAPSHOTS = ("first", "second")
MICRO, SMALL = "db.t4g.micro", "db.t4g.small"
NEWEST = migrations.newest()
PATIENCE = 90.0  # seconds for which a verb is repeated, and an answer waited for
WRITE = "INSERT INTO activities (user_uuid, message) SELECT uuid, 'written' FROM users LIMIT 1"
EPISODE = 100  # draws
DEPLOY = "05"


@dataclass(frozen=True)
class Data:
    """What a database holds: its label, the version of its schema, whether it was seeded, how often it was written to."""

    labelled: bool = False
    version: int | None = None
    seeded: bool = False
    written: int = 0


@dataclass(frozen=True)
class Server:
    """A DB instance."""

    status: str = "available"
    kind: str = MICRO
    protected: bool = False
    managed: bool = True
    password: int = 0  # which of our own it has
    source: str = ""  # of a replica
    origin: str = ""  # the snapshot that it was restored from
    number: int = 0  # which stays when it is renamed
    copy_of: int = 0
    tagged: str = NAME  # whose its tags say that it is
    owner: bool = False
    roles: bool = False
    data: Data | None = Data()  # None: there is no database


@dataclass(frozen=True)
class World:
    """All that there is of a target."""

    servers: dict[str, Server] = field(default_factory=dict)
    snapshots: dict[str, Server] = field(default_factory=dict)
    group: bool = False
    rule: bool = False
    scheduled: bool = False
    secret: int = 0  # which password of our own it has; 0 where there is none
    app_secret: bool = False  # of the application's role
    deployed: bool = False  # user pool and function
    made: int = 0  # instances so far

    def knows(self, server: Server) -> bool:
        """Whether the master password can be read."""
        return server.managed or 0 != server.password == self.secret

    def having(self, name: str = NAME, **changes: Any) -> World:
        """With a server changed."""
        return replace(self, servers={**self.servers, name: replace(self.servers[name], **changes)})

    def without(self, name: str) -> World:
        """With a server gone."""
        return replace(self, servers={one: server for one, server in self.servers.items() if one != name})


After = Callable[[World], World | None]  # what is there after a verb; None where it is refused


@dataclass(frozen=True)
class Verb:
    """What is typed, and what comes of it."""

    words: str
    after: After
    environment: Mapping[str, str] = field(default_factory=dict)


def provision(kind: str | None = None, *, protected: bool | None = None) -> After:
    """Make the group and the instance, or bring it to what is asked for."""
    asked = {"kind": kind, "protected": protected, "tagged": NAME}

    def after(world: World) -> World | None:
        found = world.servers.get(NAME)
        if found is None:
            if any(one.tagged == NAME for one in world.servers.values()):  # renamed by a switchover
                return None
            found = Server(number=world.made + 1)
            world = replace(world, made=found.number)
        if found.status != "available":
            return None
        wanted: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        changed = replace(found, **wanted)
        return replace(world, group=True, servers={**world.servers, NAME: changed})

    return after


def in_database(change: Callable[[Data], Data | None]) -> After:
    """A verb on a database that is there, on a server that runs and lets us in."""

    def changed(found: Server) -> Server | None:
        made = change(found.data) if found.data else None
        return replace(found, data=made) if made else None

    return on_server(changed)


def on_server(change: Callable[[Server], Server | None]) -> After:
    """A verb on a server that runs and lets us in."""

    def after(world: World) -> World | None:
        found = world.servers.get(NAME)
        made = change(found) if found and found.status == "available" and world.rule else None
        return world.having(**vars(made)) if made else None

    return after


def created(found: Server) -> Server:
    """The database is there, and says whose it is."""
    return replace(found, owner=True, data=replace(found.data or Data(), labelled=True))


def dropped(found: Server) -> Server:
    """The roles stay: they belong to the server."""
    return replace(found, data=None)


def with_secrets(verb: After) -> After:
    """The application's role gets one."""

    def after(world: World) -> World | None:
        made = verb(world)
        return made and replace(made, app_secret=True)

    return after


def deployed(world: World) -> World | None:
    """What 05 does; the function needs the instance and a secret."""
    return replace(world, deployed=True) if NAME in world.servers and world.app_secret else None


def with_roles(found: Server) -> Server | None:
    """Their rights are in a database."""
    return replace(found, owner=True, roles=True) if found.data else None


def set_up(found: Server) -> Server:
    """All of it anew."""
    return replace(found, owner=True, roles=True, data=Data(True, NEWEST, True))


def loaded(found: Server) -> Server | None:
    """Its owner loads it; an older schema is brought forward by migrations alone."""
    fits = found.owner and found.data and (found.data.version == NEWEST or found.data.labelled and found.data.version is None)
    return replace(found, data=replace(found.data or Data(), version=NEWEST)) if fits else None


def migrated(data: Data) -> Data:
    """Where there is no schema, nothing is to be migrated."""
    return data if data.version is None else replace(data, version=NEWEST)


def rolled_back(data: Data) -> Data | None:
    """The first schema has no way back."""
    return replace(data, version=data.version - 1) if data.version else None


def seeded(data: Data) -> Data | None:
    """Where there is a schema."""
    return replace(data, seeded=True) if data.version is not None else None


def stopped(*, scheduled: bool = False) -> After:
    """An instance that replicates is never stopped."""

    def after(world: World) -> World | None:
        found = world.servers.get(NAME)
        if found is None:
            return None
        if found.status == "available" and (found.source or replicas(world, NAME)):
            return None
        return replace(world.having(status="stopped"), scheduled=world.scheduled or scheduled)

    return after


def started(world: World) -> World | None:
    """With it the schedule goes."""
    return replace(world.having(status="available"), scheduled=False) if NAME in world.servers else None


def replicas(world: World, name: str) -> list[str]:
    """Those that follow an instance."""
    return [one for one, server in world.servers.items() if server.source == name]


def owned(world: World) -> World | None:
    """The password is ours."""
    found = world.servers.get(NAME)
    if not found or found.source or (found.managed and found.status != "available"):
        return None
    if not found.managed:
        return world if world.secret else None
    secret = world.secret or world.made + 1
    return replace(world.having(managed=False, password=secret), secret=secret, made=max(world.made, secret))


def managed(world: World) -> World | None:
    """The password is RDS's."""
    found = world.servers.get(NAME)
    if not found or found.source or replicas(world, NAME) or not (found.managed or found.status == "available"):
        return None
    return replace(world.having(managed=True), secret=0 if not orphans(world) else world.secret)


def orphans(world: World) -> list[str]:
    """Those that have the password of the secret, whether they still follow its instance or not."""
    others = [(name, one) for name, one in world.servers.items() if name != NAME and not one.managed]
    return [name for name, one in others if NAME in (one.origin, one.tagged)]


def taken(name: str) -> After:
    """A name is taken once."""

    def after(world: World) -> World | None:
        found = world.servers.get(NAME)
        if not found or found.status != "available" or name in world.snapshots:
            return None
        return replace(world, snapshots={**world.snapshots, name: found})

    return after


def forgotten(name: str) -> After:
    """One that is not there is no change."""
    return lambda world: replace(world, snapshots={one: kept for one, kept in world.snapshots.items() if one != name})


def deleted(name: str) -> After:
    """Only a copy, or what the present one was copied from; and none that is protected."""

    def after(world: World) -> World | None:
        found, original = world.servers.get(name), world.servers.get(NAME)
        if found and (found.protected or not original):
            return None
        if found and original and original.number not in (found.copy_of,) and found.number != original.copy_of:
            return None
        return world.without(name)

    return after


def replicated(world: World) -> World | None:
    """Of an instance with a password of its own."""
    found, there = world.servers.get(NAME), world.servers.get(COPY)
    if not found or (there and there.source != NAME):
        return None
    if there:
        return world
    if found.managed or found.status != "available":
        return None
    own: dict[str, Any] = {"number": world.made + 1, "copy_of": found.number, "tagged": COPY, "origin": NAME}
    made = replace(found, managed=False, protected=False, source=NAME, **own)
    return replace(world, servers={**world.servers, COPY: made}, made=made.number)


def restored(name: str) -> After:
    """With what the snapshot has, and all else as the original is now."""

    def after(world: World) -> World | None:
        found, origin, there = world.servers.get(NAME), world.snapshots.get(name), world.servers.get(COPY)
        if there:
            begun = there.origin == name and (origin is None or origin.number == there.copy_of)
            return world.having(COPY, tagged=COPY, **likeness(world)) if begun else None
        if not origin or not (found or world.group):
            return None
        own: dict[str, Any] = {"origin": name, "copy_of": origin.number, "number": world.made + 1, "tagged": COPY}
        made = replace(origin, status="available", source="", **own, **likeness(world))
        return replace(world, servers={**world.servers, COPY: made}, made=made.number)

    return after


def likeness(world: World) -> dict[str, Any]:
    """What a copy that is there to stay has of the original, or of what is asked for where that is gone."""
    found = world.servers.get(NAME, Server())
    return {"kind": found.kind, "protected": found.protected, "managed": True}


def promoted(world: World) -> World | None:
    """A replica goes its own way."""
    there = world.servers.get(COPY)
    if not there or (there.source and there.source != NAME):
        return None
    return world.having(COPY, source="", tagged=COPY, **likeness(world))


def switched(incoming: str, outgoing: str) -> After:
    """Two names are exchanged by way of a third; a replica is to be promoted first."""

    def after(world: World) -> World | None:
        names = world.servers.keys() & {NAME, incoming, outgoing}
        if names == {NAME, outgoing}:
            return world if world.servers[NAME].status == "available" else None
        if incoming not in names or len(names) == 3 or {world.servers[one].status for one in names} != {"available"}:
            return None
        if NAME not in names:
            return replace(world.without(incoming), servers={**world.without(incoming).servers, NAME: world.servers[incoming]})
        if world.servers[incoming].source:
            return None
        others = {one: world.servers[one] for one in world.servers.keys() - names}
        return replace(world, servers={**others, outgoing: world.servers[NAME], NAME: world.servers[incoming]})

    return after


def torn_down(final: str) -> After:
    """All but the snapshots and the copies."""

    def after(world: World) -> World | None:
        found = world.servers.get(NAME)
        if found and (final in world.snapshots or (found.protected and found.status != "available")):
            return None
        if found and found.tagged != NAME:
            return None
        left = {name: replace(one, source="") for name, one in world.servers.items() if name != NAME}
        kept = {final: found} if found and final != "none" else {}
        shared = bool(left)
        secret = world.secret if orphans(world) else 0
        common = {"group": world.group and shared, "rule": world.rule and shared}
        return World(left, world.snapshots | kept, secret=secret, made=world.made, **common)

    return after


def opened(world: World) -> World | None:
    """Where there is a group."""
    return replace(world, rule=True) if world.group else None


CONFIRMED = f"--confirm {NAME}"
VERBS = [
    Verb("rds modify", provision()),
    Verb("rds modify --at-once", provision(SMALL), {"CRUDDUR_DB_INSTANCE_CLASS": SMALL}),
    Verb("rds modify", provision(MICRO), {"CRUDDUR_DB_INSTANCE_CLASS": MICRO}),
    Verb("rds modify", provision(protected=True), {"CRUDDUR_DELETION_PROTECTION": "true"}),
    Verb("rds modify", provision(protected=False), {"CRUDDUR_DELETION_PROTECTION": "false"}),
    Verb("security-group open", opened),
    Verb("db create", on_server(created)),
    Verb("db roles", with_secrets(on_server(with_roles))),
    Verb("db migrate", in_database(migrated)),
    Verb("db schema-load", on_server(loaded)),
    Verb("db rollback", in_database(rolled_back)),
    Verb("db seed", in_database(seeded)),
    Verb("db setup --force", with_secrets(on_server(set_up))),
    Verb(DEPLOY, deployed),
    Verb("db drop --force", on_server(dropped)),
    Verb("rds stop --force", stopped()),
    Verb("rds stop --force --keep", stopped(scheduled=True)),
    Verb("rds start", started),
    Verb("rds own-password", owned),
    Verb("rds managed-password", managed),
    *(Verb(f"rds snapshot {name}", taken(name)) for name in SNAPSHOTS),
    *(Verb(f"rds delete-snapshot {name}", forgotten(name)) for name in SNAPSHOTS),
    Verb(f"rds replica {COPY}", replicated),
    *(Verb(f"rds restore {COPY} --snapshot {name}", restored(name)) for name in SNAPSHOTS),
    Verb(f"rds promote {COPY}", promoted),
    Verb(f"rds switch-over {COPY} --keep-as {KEPT}", switched(COPY, KEPT)),
    Verb(f"rds switch-over {KEPT} --keep-as {COPY}", switched(KEPT, COPY)),
    *(Verb(f"rds delete {name}", deleted(name)) for name in (COPY, KEPT)),
    Verb(f"rds teardown --final-snapshot none {CONFIRMED}", torn_down("none")),
    Verb(f"rds teardown --final-snapshot second {CONFIRMED}", torn_down("second")),
]


@click.command(cls=Commands, invoke_without_command=True)
@click.argument("_", nargs=-1)
def deploy(_: tuple[str, ...]) -> None:
    """What 05 applies."""
    for plan in (cognito.plan_pool, cognito.plan_identity, cognito.plan_function, cognito.plan_trigger):
        plan(load("local")).apply()


@dataclass
class Observer:
    """Looks at what is there, with plain clients and connections of its own."""

    sandbox: Sandbox
    clients: dict[str, Client] = field(default_factory=dict)

    def client(self, service: str) -> Client:
        """Made once."""
        if service not in self.clients:
            self.clients[service] = make_client(self.sandbox.environment, service)
        return self.clients[service]

    def see(self, known: World) -> World:
        """The world as it is; what cannot be looked into is taken for what was known of it."""
        named = {"Filters": [{"Name": "group-name", "Values": [f"{NAME}-access"]}]}
        groups = self.client("ec2").describe_security_groups(**named)["SecurityGroups"]
        found = self.client("rds").describe_db_instances()["DBInstances"]
        taken = self.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        secrets = {one["Name"] for one in self.client("secretsmanager").list_secrets()["SecretList"]}
        return replace(
            known,
            servers={one["DBInstanceIdentifier"]: self._server(one, known) for one in found},
            snapshots={name: known.snapshots.get(name, Server()) for name in (one["DBSnapshotIdentifier"] for one in taken)},
            group=bool(groups),
            rule=any(rule["IpRanges"] for group in groups for rule in group["IpPermissions"]),
            app_secret=f"{NAME}/cruddur_app" in secrets,
            deployed=self._deployed(),
            scheduled=bool(self.client("scheduler").list_schedules()["Schedules"]),
            secret=known.secret or 1 if f"{NAME}/cruddurroot" in secrets else 0,
        )

    def _deployed(self) -> bool:
        pools = self.client("cognito-idp").list_user_pools(MaxResults=9)["UserPools"]
        functions = self.client("lambda").list_functions()["Functions"]
        assert len(pools) == len(functions) < 2, (pools, functions)
        return bool(pools)

    def _server(self, item: Mapping[str, Any], known: World) -> Server:
        name, kind = item["DBInstanceIdentifier"], item["DBInstanceClass"]
        expected = known.servers.get(name, Server())
        seen = replace(
            expected,
            status=item["DBInstanceStatus"],
            kind=item["PendingModifiedValues"].get("DBInstanceClass", kind),
            protected=item["DeletionProtection"],
            managed="MasterUserSecret" in item,
            source=item.get("ReadReplicaSourceDBInstanceIdentifier", ""),
            tagged={tag["Key"]: tag["Value"] for tag in item["TagList"]}["DBInstance"],
        )
        open_to_us = known.rule and seen == expected and seen.status == "available" and known.knows(seen)
        return replace(seen, **_inside(name)) if open_to_us and name == NAME else seen


def _inside(name: str) -> dict[str, Any]:
    """What its databases hold."""
    target = load("local")
    there = target if name == NAME else sibling(target, name)
    with closing(_connect(there, "postgres")) as server:
        made = {name for (name,) in server.execute("SELECT rolname FROM pg_roles")}
        roles = {"owner": "cruddur_owner" in made, "roles": "cruddur_app" in made}
        comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'cruddur'"
        found = server.execute(comment).fetchall()
    if not found:
        return {**roles, "data": None}
    with closing(_connect(there)) as database:
        data = Data("environment: local" in (found[0][0] or ""))
        if database.execute("SELECT to_regclass('users')").fetchall() == [(None,)]:
            return {**roles, "data": data}
        version, users = "SELECT max(version) FROM schema_migrations", "SELECT count(*) > 0 FROM users"
        written = "SELECT count(*) FROM activities WHERE message = 'written'"
        (held,) = database.execute(f"SELECT ({version}), ({users}), ({written})").fetchall()
    return {**roles, "data": Data(data.labelled, *held)}


def _connect(target: Target, database: str | None = None) -> psycopg.Connection[Any]:
    return psycopg.connect(**locate(target, database).parameters, autocommit=True)


class Player:
    """Types verbs, and compares what comes of each with the model."""

    def __init__(self, sandbox: Sandbox, line: Line, seed: int) -> None:
        """In an empty sandbox."""
        self.line, self.draw, self.world, self.observer = line, random.Random(seed), World(), Observer(sandbox)
        self.story: list[str] = []
        self.told: Counter[str] = Counter()
        sandbox.reset()
        sandbox.simulate("realistic", seed=seed)

    def play(self) -> None:
        """One verb, and what comes of it; now and then somebody writes to the database."""
        verb = self.draw.choice(VERBS)
        wanted = verb.after(self.world)
        silent = verb.words.startswith("db ") and not self.world.rule and "available" in str(self.world.servers.get(NAME))
        if wanted is None and (silent or self.draw.random() < 0.7):  # a firewall's silence takes long, and most are refused
            return
        strike = None
        if self.draw.random() < 0.3:
            strike = Strike(self.draw.randrange(20), "", self.draw.choice((*BEFORE, *AFTER)), False)
        self.story.append(f"{dict(verb.environment) or ''} {verb.words}, {strike or 'no fault'}")
        if self.draw.random() < 0.1:
            self._crash()
        code = self._type(verb, strike)
        self.told += Counter({"verbs": 1, "refused": int(wanted is None), "faults": int(bool(strike) and self.line.has_struck)})
        if wanted is None:
            assert code, f"{verb.words} was not refused"
        else:
            self.told["repeated"] += int(bool(code))
            self._repeat(verb, wanted, code)
            self.world = wanted
        self._compare(self.world)
        self._write()

    def _crash(self) -> None:
        """The servers die, as where memory has run out; RDS starts them again."""
        root = Path(self.observer.sandbox.environment["PGSSLROOTCERT"]).parent
        for file in root.glob("*/data/postmaster.pid"):
            with suppress(OSError, IndexError, ValueError):
                os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
                self.told["crashes"] += 1
                self.story.append("  a server crashes")

    def _repeat(self, verb: Verb, wanted: World, code: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while code and not self._is(wanted):
            assert time.monotonic() < deadline, f"{verb.words} comes to no end"
            time.sleep(0.3)
            code = self._type(verb, None)

    def _type(self, verb: Verb, strike: Strike | None) -> int:
        """The exit code; a failure is a sentence, whatever was struck."""
        with self.line.struck(strike) if strike else nullcontext():
            try:
                result = CliRunner().invoke(deploy if verb.words == DEPLOY else main, verb.words.split(), env=verb.environment)
            except Killed:
                self.story.append("  killed")
                return 137
            finally:
                connection.close_sessions()
        assert isinstance(result.exception, SystemExit | None), "".join(traceback.format_exception(result.exception))
        self.story.append(f"  {result.exit_code} {result.stderr.strip()}")
        assert not result.exit_code or result.stderr.strip(), result.output
        return result.exit_code

    def _is(self, wanted: World) -> bool:
        try:
            return self.observer.see(wanted) == wanted
        except (ClientError, BotoCoreError, psycopg.OperationalError, OpsError, AssertionError):
            return False  # answers come late, or not

    def _compare(self, wanted: World) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is(wanted):
            assert time.monotonic() < deadline, f"expected {wanted}\nfound {self.observer.see(wanted)}"
            time.sleep(0.1)

    def _write(self) -> None:
        found = self.world.servers.get(NAME)
        open_to_us = found and found.status == "available" and self.world.rule and self.world.knows(found)
        if not (open_to_us and found and found.data and found.data.seeded) or self.draw.random() < 0.7:
            return
        with suppress(psycopg.OperationalError, OpsError), closing(_connect(load("local"))) as database:  # a late password
            database.execute(WRITE)
            self._written(found, found.data)

    def _written(self, found: Server, before: Data) -> None:
        data = replace(before, written=before.written + 1)
        changed = {NAME: replace(found, data=data)}
        changed |= {name: replace(self.world.servers[name], data=data) for name in replicas(self.world, NAME)}
        self.world = replace(self.world, servers={**self.world.servers, **changed})


@pytest.mark.thorough
def test_mixed_verbs(rds_sandbox: Sandbox, line: Line, pytestconfig: pytest.Config) -> None:
    """Every `EPISODE` verbs begin anew in an empty sandbox, with the next seed."""
    seed, until = int(pytestconfig.getoption("--mixed-seed")), time.monotonic() + 60 * float(pytestconfig.getoption("--mixed"))
    told: Counter[str] = Counter()
    with rds_sandbox.exported():
        while time.monotonic() < until:
            player = Player(rds_sandbox, line, seed)
            try:
                for _ in range(EPISODE):
                    player.play()
            except Exception as error:
                error.add_note("\n".join(["--mixed-seed", str(seed), *player.story]))
                raise
            finally:
                rds_sandbox.simulate("ideal")
                told += player.told
            seed += 1
    print(f"\nmixed verbs, seeds up to {seed - 1}: {dict(sorted(told.items()))}")
