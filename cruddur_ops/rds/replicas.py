"""Read replicas: made beside the original, removed, or promoted to an instance that goes its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cruddur_ops import tags
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Plan
from cruddur_ops.rds import instances, restores
from cruddur_ops.rds.instances import Instance

if TYPE_CHECKING:
    from cruddur_ops.targets import Target


def plan_replica(target: Target, identifier: str) -> Plan:
    """Make a read replica of the DB instance.

    Raises:
        InstanceNotReady: there is no instance, it is not available, keeps no backups, or RDS manages its master password.
        WrongInput: the identifier is taken.
    """
    beside = restores.beside(target, identifier)
    return replica_plan(target, instances.require(target), identifier, instances.describe(beside))


def replica_plan(target: Target, source: Instance, identifier: str, found: Instance | None) -> Plan:
    """The same, decided from what was described.

    Raises:
        InstanceNotReady: the source is not available, keeps no backups, or RDS manages its master password.
        WrongInput: the identifier is taken.
    """
    title, resource = f"read replica on {target.name}", f"DB instance {identifier}"
    if found and found.source == source.identifier:
        return Plan(title, (Change(Action.NONE, resource, note=f"replicates {source.identifier}: {found.status}"),))
    if found:
        raise WrongInput(f"there is a DB instance {identifier} already, which is no replica: name another")
    require_replicable(source)
    labels = tags.wanted(target.owner, target.instance_days, tags.today()) | {restores.ORIGIN: source.identifier}
    parameters = {
        "DBInstanceIdentifier": identifier,
        "SourceDBInstanceIdentifier": source.identifier,
        "DBInstanceClass": source.db_instance_class,
        "PubliclyAccessible": source.publicly_accessible,
        "VpcSecurityGroupIds": list(source.security_group_ids),
        "CopyTagsToSnapshot": True,
        "DeletionProtection": False,
        "Tags": tags.as_list(labels),
    }
    call = Call("rds", "create_db_instance_read_replica", parameters)
    note = "minutes on AWS; billed like the original"
    change = Change(Action.CREATE, resource, after=f"replica of {source.identifier}", note=note, calls=(call,))
    return Plan(title, (change,), ("as long as there is a replica, neither of the two can be stopped",))


def require_replicable(source: Instance) -> None:
    """Refuse a source of which RDS makes no replica (RDS API Reference, CreateDBInstanceReadReplica).

    Raises:
        InstanceNotReady: it is not available, keeps no backups, or RDS manages its master password.
    """
    name = source.identifier
    if source.secret_arn:
        message = f"RDS makes no read replica of {name} while it manages the master password"
        raise InstanceNotReady(f"{message}: keep it in a secret of your own with `cruddur-ops rds own-password`, then repeat")
    if not source.backup_retention_period:
        raise InstanceNotReady(f"{name} keeps no backups, which a replica begins with: set backup_retention_period")
    if not source.ready:
        instances.require_recoverable(source)
        raise InstanceNotReady(f"{name} is {source.status}: wait until it is available, then repeat")


def plan_promote(target: Target, identifier: str) -> Plan:
    """Make a read replica an instance of its own: it ends replicating, and takes writes.

    Raises:
        InstanceNotReady: there is no such instance, or it is not available.
        WrongInput: it is no replica, and never was one of the target's.
    """
    found = instances.require(restores.beside(target, identifier))
    title, resource = f"promotion on {target.name}", f"DB instance {identifier}"
    if not found.source:
        return Plan(title, (Change(Action.NONE, resource, note="is no replica (any more)"),))
    if not found.ready:
        instances.require_recoverable(found)
        raise InstanceNotReady(f"{identifier} is {found.status}: wait until it is available, then repeat")
    backups = target.backup_retention_period
    call = Call("rds", "promote_read_replica", {"DBInstanceIdentifier": identifier, "BackupRetentionPeriod": backups})
    note = "restarts it; cannot be undone, and what the original writes from now on is not in it"
    change = Change(Action.MODIFY, resource, "source", found.source, "none", note, (call,))
    return Plan(title, (change,), ("wait until the lag is 0, and the original takes no writes, if nothing may be lost",))


def plan_delete(target: Target, identifier: str) -> Plan:
    """Delete an instance beside the original (a restored one, a replica, the outgoing one of a switchover) for good.

    Raises:
        WrongInput: it is the original, which 09_teardown takes away, or is protected, or no run of ours made it.
    """
    beside = restores.beside(target, identifier)
    found, resource, title = instances.describe(beside), f"DB instance {identifier}", f"removal on {target.name}"
    if found is None or found.status.startswith("delet"):
        return Plan(title, (Change(Action.NONE, resource, note="is not there" if found is None else "is being deleted"),))
    if found.deletion_protection:
        raise WrongInput(f"{identifier} is protected from deletion: `cruddur-ops rds teardown` takes protection off")
    if not tags.ours(found.tags):
        raise WrongInput(
            f"{identifier} was not made by this runbook: delete it with `aws rds delete-db-instance`, if it is yours"
        )
    parameters = {"DBInstanceIdentifier": identifier, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    call = Call("rds", "delete_db_instance", parameters)
    return Plan(title, (Change(Action.DELETE, resource, note="for good, without a final snapshot", calls=(call,)),))
