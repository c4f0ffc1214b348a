"""In place, or by a blue/green deployment: which of the two fits, and why.

Source: RDS User Guide, "Limitations and considerations for Amazon RDS blue/green deployments": a major version is replicated
logically; and "Overview of Amazon RDS Blue/Green Deployments".
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cruddur_ops.database.planning import on_server
from cruddur_ops.database.prechecks import prechecks
from cruddur_ops.database.statements import ask
from cruddur_ops.plan import Verified
from cruddur_ops.rds import blue_green, instances, passwords, restores
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

GREEN = (
    "blue/green fits: nobody gets in for about a minute at the switchover, which its timeout ends; a second instance is billed "
    "until the old one is removed, and no schema may change meanwhile"
)


@dataclass(frozen=True)
class Choice:
    """The way to upgrade; without reasons against it, blue/green."""

    reasons: tuple[str, ...]

    def __repr__(self) -> str:
        """The choice, and a line for each reason."""
        return (
            "\n".join(["in place, since blue/green does not fit:", *(f"  {one}" for one in self.reasons)])
            if self.reasons
            else GREEN
        )


def upgrade_choice(target: Target) -> Choice:
    """Look at the instance, and into its database."""
    with on_server(target) as connection:
        found = [row["reason"] for row in ask(connection, "upgrade/blue_green")]
    return Choice((*against(instances.require(target)), *found))


def against(found: Instance) -> Iterator[str]:
    """What of the instance itself speaks against it."""
    if found.secret_arn:
        yield "RDS manages the master password, which blue/green does not take along"
    if found.source or found.replicas:
        yield "it replicates: blue/green takes no cascading and no cross-region replicas along"
    if not found.backup_retention_period:
        yield "it keeps no backups, which blue/green begins with"


def obstacles(target: Target, version: str) -> tuple[str, ...]:
    """What is in the way of an upgrade to a version by blue/green."""
    return *upgrade_choice(target).reasons, *prechecks(target, version).blockers


def green(target: Target) -> Target:
    """The target for the instance that follows, with the master password of the other; else the target itself."""
    there = blue_green.find(target)
    if there is None or there.green in ("", target.db_instance_identifier):
        return target
    secret = target.master_user_secret or passwords.secret_name(instances.require(target))
    return replace(restores.sibling(target, there.green), master_user_secret=secret)


def behind(target: Target) -> Verified:
    """How far the instance that follows is behind, as the target's own server knows."""
    with on_server(target) as connection:
        (found,) = ask(connection, "upgrade/behind")
    said = f"the instance that follows is at most {found['bytes']:,} bytes behind"
    return Verified(said if found["followers"] else "no instance follows")
