"""What stands in the way of a major upgrade, found on the live instance before anything is touched, each with its remedy.

It is all that RDS and pg_upgrade check and can be seen by the master user, and what operators learned besides. Looking raises
what connecting does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from cruddur_ops.change import Action, Change
from cruddur_ops.database.connection import Connection
from cruddur_ops.database.errors import DatabaseUnreachable
from cruddur_ops.database.location import database_name
from cruddur_ops.database.planning import on_server, planned
from cruddur_ops.database.statements import ask, compose
from cruddur_ops.errors import NotVerified, WrongInput
from cruddur_ops.plan import Plan, Verified, step
from cruddur_ops.rds import blue_green, offers, upgrade_paths
from cruddur_ops.rds.prechecks import Finding, of_instance
from cruddur_ops.target import Target

NEWEST = 1000  # a major that is newer than any
UNDERWAY = "go on by blue/green, or remove the deployment first"
SLOT = "logical replication slot "
FIRST = ("postgis", "pgrouting")  # they are brought to their newest version before the server is (RDS User Guide)


@dataclass(frozen=True)
class Findings:
    """What was found, what blocks first."""

    version: str
    found: tuple[Finding, ...] = field(repr=False)

    @property
    def blockers(self) -> tuple[str, ...]:
        """What would make the upgrade fail, each with the way out."""
        return tuple(f"{one.what}: {one.remedy}" for one in self.found if one.blocks)

    def __repr__(self) -> str:
        """A line for each."""
        head = f"upgrade to {self.version}: {len(self.blockers)} in the way, {len(self.found) - len(self.blockers)} worth a look"
        return "\n".join([head, *(f"  {one}" for one in self.found)])

    def require_none(self) -> Verified:
        """Refuse to go on while something blocks."""
        if self.blockers:
            raise NotVerified(f"the upgrade to {self.version} would fail: {'; '.join(self.blockers)}; then look again")
        return Verified(f"verified: nothing that can be seen is in the way of {self.version}")


def prechecks(target: Target, version: str) -> Findings:
    """Look for all of it: at the instance, unless a URL names the server, at the server, and into each of its databases."""
    of_rds = [] if target.connection_url else [*of_instance(target, version)]
    found = {*of_rds, *inside(target, version)}
    return Findings(version, tuple(sorted(found, key=lambda one: (not one.blocks, one.what))))


def inside(target: Target, version: str) -> Sequence[Finding]:
    """The same of the server, and of each of its databases."""
    offered = frozenset[str]() if target.connection_url else upgrade_paths.extensions(target, version)
    found = [*_on_server(target, int(offers.major(version)), offered)]
    if not target.connection_url and any(one.what.startswith(SLOT) for one in found) and blue_green.find(target):
        return [one for one in found if not one.what.startswith(SLOT)]  # those of the deployment itself: RDS takes no others in
    return found


def blockers(target: Target, version: str) -> tuple[str, ...]:
    """What would make the upgrade of the instance itself fail, each with the way out."""
    there = None if target.connection_url else blue_green.find(target)
    pending = (
        ()
        if there is None or there.status == blue_green.COMPLETED
        else (f"{blue_green.name(target)} is {there.status}: {UNDERWAY}",)
    )
    return *pending, *prechecks(target, version).blockers


def require_upgradable(target: Target, version: str) -> None:
    """Refuse a major upgrade that would fail."""
    found = blockers(target, version)
    if found:
        raise WrongInput(f"a major upgrade would fail: {'; '.join(found)}; then repeat")


def _on_server(target: Target, wanted: int, offered: frozenset[str]) -> Iterator[Finding]:
    with on_server(target) as connection:
        yield from (Finding(**row) for row in ask(connection, "upgrade/server"))
        names = [row["name"] for row in ask(connection, "upgrade/databases")]
    for name in names:
        own = name == database_name(target)
        try:
            with on_server(target, database=name) as connection:
                for one in _in_database(connection, wanted, offered):
                    yield Finding(one.blocks, ("" if own else f"in database {name}: ") + one.what, one.remedy)
        except DatabaseUnreachable:
            if own:
                raise
            yield Finding(
                False, f"database {name} lets nobody in as this user", "RDS looks into it all the same: so should its owner"
            )


def _in_database(connection: Connection, wanted: int, offered: frozenset[str]) -> Iterator[Finding]:
    yield from (Finding(**row) for row in ask(connection, "upgrade/database", wanted=wanted))
    for row in ask(connection, "upgrade/columns", wanted=wanted):
        yield Finding(
            True,
            f"column {_named(row)} of type {row['type']}",
            f"pg_upgrade does not carry {row['because']} over: change its type",
        )
    for row in ask(connection, "upgrade/extensions"):
        name, newest = row["name"], row["offered"]
        if offered and name not in offered:
            remedy = f"RDS has none for PostgreSQL {wanted}: replace what uses it, then drop it"
            yield Finding(True, f"extension {name}", remedy)
        elif row["installed"] != newest:
            remedy = f"the server has {newest}: ALTER EXTENSION ... UPDATE before the upgrade"
            yield Finding(name.startswith(FIRST), f"extension {name} {row['installed']}", remedy)


def _named(row: dict[str, str]) -> str:
    return ".".join([*([] if row["schema"] == "public" else [row["schema"]]), row["table"], row["column"]])


@step
def plan_mend(target: Target) -> Plan:
    """Mend what can be mended without asking anybody what it is for: columns of the database whose values can be kept as text."""

    def find(connection: Connection) -> Iterator[Change]:
        for row in ask(connection, "upgrade/columns", wanted=NEWEST):
            if row["plain"]:
                names = {name: row[name] for name in ("schema", "table", "column")}
                make = partial(ask, connection, compose("upgrade/as_text", **names))
                note = "the table is written anew, and nobody reads it meanwhile"
                yield Change(Action.MODIFY, f"column {_named(row)}", "type", row["type"], "text", note, make=make)

    absent = Change(Action.MODIFY, "columns", note="known after the database is there")
    return planned(target, "Mending", find, absent)
