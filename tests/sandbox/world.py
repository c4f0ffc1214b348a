"""What there is of a target as a model sees it, and for each verb what is there after it, or that it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cruddur_ops.database import migrations

NAME, COPY, KEPT = "cruddur-db-instance", "other", "retired"
SNAPSHOTS = ("first", "second")
MICRO, SMALL = "db.t4g.micro", "db.t4g.small"
NEWEST = migrations.newest()
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
    backups: bool = field(default=True, compare=False)  # as was seen: a replica begins with those of its source, and has none


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
        if made is None:
            return None
        world = world.having(**vars(made))
        for replica in replicas(world, NAME):
            world = world.having(replica, owner=made.owner, roles=made.roles, data=made.data)
        return world

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
    if found.managed or found.status != "available" or not found.backups:
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
