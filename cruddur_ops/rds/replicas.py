"""Read replicas: made as siblings of the original, removed, or promoted to an instance that goes its own way.

A plan raises WrongInput for an identifier that cannot be used, and InstanceNotReady where an instance does not allow it (yet).
"""

from functools import partial

from cruddur_ops import tags
from cruddur_ops.change import absent
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, restores, waiting
from cruddur_ops.rds.instances import BUSY_CODE, Instance
from cruddur_ops.target import Target


@step
def plan_replica(target: Target, identifier: str) -> Plan:
    """Make a read replica of the DB instance."""
    new, source = restores.sibling(target, identifier), instances.require(target)
    found, settle = instances.describe(new), partial(waiting.wait, new)
    title, resource = f"read replica on {target.name}", f"DB instance {identifier}"
    if found and found.source == source.identifier:
        note = f"replicates {source.identifier}: {found.status}"
        return Plan(title, (Change(Action.NONE, resource, note=note, settle=settle),))
    if found:
        raise WrongInput(f"there is a DB instance {identifier} already, which is no replica: name another")
    _require_replicable(source)
    after, note = f"replica of {source.identifier}", "minutes on AWS; billed like the original"
    change = Change(Action.CREATE, resource, after=after, note=note, calls=(_creation(new, source),), settle=settle)
    return Plan(title, (change,), ("as long as there is a replica, neither of the two can be stopped",))


def _creation(new: Target, source: Instance) -> Call:
    labels = tags.of(new) | {restores.ORIGIN: source.identifier, restores.COPY_OF: source.resource_id}
    parameters = {
        "DBInstanceIdentifier": new.db_instance_identifier,
        "SourceDBInstanceIdentifier": source.identifier,
        "DBInstanceClass": source.db_instance_class,
        "PubliclyAccessible": source.publicly_accessible,
        "VpcSecurityGroupIds": list(source.security_group_ids),
        "CopyTagsToSnapshot": True,
        "DeletionProtection": False,
        "Tags": tags.as_list(labels),
    }
    return Call("rds", "create_db_instance_read_replica", parameters)


def _require_replicable(source: Instance) -> None:
    """Refuse a source of which RDS makes no replica (RDS API Reference, CreateDBInstanceReadReplica)."""
    name = source.identifier
    if source.secret_arn:
        message = f"RDS makes no read replica of {name} while it manages the master password"
        raise InstanceNotReady(f"{message}: keep it in a secret of your own with `cruddur-ops rds own-password`, then repeat")
    if not source.backup_retention_period:
        raise InstanceNotReady(f"{name} keeps no backups, which a replica begins with: set backup_retention_period")
    instances.require_ready(source)


@step
def plan_promote(target: Target, identifier: str) -> Plan:
    """Make a read replica an instance of its own: it ends replicating, and takes writes."""
    replica = restores.sibling(target, identifier)
    found, settle = instances.require(replica), partial(waiting.wait_until_promoted, replica)
    title, resource = f"promotion on {target.name}", f"DB instance {identifier}"
    if not found.source:
        return Plan(title, (Change(Action.NONE, resource, note="is no replica (any more)", settle=settle),))
    if found.source.rpartition(":")[2] != target.db_instance_identifier:  # of another region's instance RDS gives the ARN
        raise WrongInput(f"{identifier} is a replica of {found.source}: name the target of that")
    instances.require_ready(found)
    parameters = {"DBInstanceIdentifier": identifier, "BackupRetentionPeriod": replica.backup_retention_period}
    call = Call("rds", "promote_read_replica", parameters)
    note = "restarts it; cannot be undone, and what the original writes from now on is not in it"
    change = Change(Action.MODIFY, resource, "source", found.source, "none", note, (call,), settle=settle)
    return Plan(title, (change,), ("wait until the lag is 0, and the original takes no writes, if nothing may be lost",))


@step
def plan_delete(target: Target, identifier: str) -> Plan:
    """Delete a sibling instance (a restored one, a replica, the outgoing one of a switchover) for good."""
    sibling = restores.sibling(target, identifier)
    found, settle = instances.describe(sibling), partial(waiting.wait_until_gone, sibling)
    title, resource = f"removal on {target.name}", f"DB instance {identifier}"
    if found is None or found.going:
        return Plan(title, (absent(resource, found, settle),))
    if found.deletion_protection:
        message = f"{identifier} is protected from deletion"
        raise WrongInput(f"{message}: ask who wanted that, and take it off with `aws rds modify-db-instance` if nobody does")
    _require_sibling(found, instances.describe(target))
    return Plan(title, (removal(target, found),))


def unprotected(target: Target, found: Instance) -> Change:
    """Take deletion protection off, and wait until RDS shows that."""
    call, sibling = instances.protection(found.identifier, on=False), restores.sibling(target, found.identifier)
    settle = partial(waiting.wait, sibling, lacks=instances.still_protected)
    return Change(
        Action.MODIFY, f"DB instance {found.identifier}", "DeletionProtection", "True", "False", "", (call,), None, settle
    )


def removal(target: Target, found: Instance) -> Change:
    """Delete a copy for good; RDS refuses as long as it is at work at taking its protection off."""
    passing = BUSY_CODE if found.deletion_protection else ""
    parameters = {"DBInstanceIdentifier": found.identifier, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    call = Call("rds", "delete_db_instance", parameters, retry_code=passing, retry_seconds=waiting.LATE_SECONDS)
    note = "for good, without a final snapshot"
    settle = partial(waiting.wait_until_gone, restores.sibling(target, found.identifier))
    return Change(Action.DELETE, f"DB instance {found.identifier}", note=note, calls=(call,), settle=settle)


def _require_sibling(found: Instance, original: Instance | None) -> None:
    """Refuse what is neither a copy of the target's instance, nor what that was copied from and took the name of."""
    outgoing = original and (restores.is_copy(original, found) or found.resource_id in original.lineage)
    if not (restores.is_copy(found, original) or outgoing):
        message = f"{found.identifier} was not made by this runbook as a copy of this target's DB instance"
        whose = original.resource_id if original else "the DbiResourceId of that"
        marks = f"tag it with ManagedBy={tags.MANAGED_BY} and {restores.COPY_OF}={whose}"
        raise WrongInput(f"{message}: {marks}, if it is one")
