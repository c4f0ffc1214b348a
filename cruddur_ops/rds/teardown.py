"""Teardown: the DB instance goes, and with it everything that was made for it alone.

Whatever could stand in its way is found before the first change. A plan raises WrongInput where the instance is not ours, it was
not said what becomes of the data, or the last snapshot cannot have its name; and InstanceNotReady where RDS would not delete it.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from cruddur_ops import calls, dependents, limits, tags
from cruddur_ops.change import absent, removal
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.rules import made_for, rules_of
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import alarms, instances, inventory, parameter_groups, passwords, restores, schedule, snapshots, waiting
from cruddur_ops.rds.instances import BUSY_CODE, Instance
from cruddur_ops.target import Target

NONE = "none"
# RDS API Reference, DeleteDBInstance: the states in which there is no last snapshot.
SNAPSHOTLESS = frozenset({"failed", "incompatible-network", "incompatible-restore"})


@step
def plan_teardown(target: Target, final_snapshot: str) -> Plan:
    """Take the DB instance away, with its schedule, alarms, secrets, log groups, parameter group and security group.

    The Lambda and its trigger are not this layer's: `cognito.plan_undeploy` comes first. Snapshots and retained backups
    stay, a protected target's automated ones among them; `inventory.find` names them. Where the instance is protected from
    deletion, its name is asked for on any target.

    Args:
        target: whose instance; where it is gone already, the rest goes.
        final_snapshot: the name of the last snapshot, or "none" for none.
    """
    found = instances.describe(target)
    changes = (
        *schedule.removals(target),
        *_instance(target, found, final_snapshot),
        *alarms.removals(target),
        *passwords.removals(target, inventory.secrets(target)),
        *(_log_groups(target, found) if found and tags.ours(target, found.tags) else ()),
        *(_parameter_group(target, found) if found else ()),
        *_rules(target),
        *_groups(target),
    )
    everything = instances.describe_all(target).values()
    earlier = [one for one in everything if one.identifier != target.db_instance_identifier and tags.ours(target, one.tags)]
    incoming = [copy for copy in everything for one in earlier if restores.is_copy(copy, one)]
    if found is None and incoming and any(change.mutating for change in changes):
        instances.require_not_renamed(target)  # without a copy an earlier teardown was cut off, and no switchover
    replicas = found.replicas if found else ()
    facts = [f"the replica {name} becomes an instance of its own, and goes on billing" for name in replicas]
    facts += [
        f"{one.identifier} is this target's too, by its tags, and goes on billing: it had the name before" for one in earlier
    ]
    return Plan(f"teardown on {target.name}", changes, tuple(facts), asks_always=bool(found and found.deletion_protection))


def _instance(target: Target, found: Instance | None, final_snapshot: str) -> Iterator[Change]:
    """The instance away, if it is ours; it is gone before what it used is removed."""
    if found and not found.going and not tags.ours(target, found.tags):
        message = f"{found.identifier} does not say by its tags that it is this target's"
        raise WrongInput(f"{message}: run 01_provision_rds, which shows how it adopts it, if it is yours")
    yield from deletion(target, found, final_snapshot)


def deletion(target: Target, found: Instance | None, final_snapshot: str) -> Iterator[Change]:
    """The instance away, with its automated backups unless the target is protected; its own protection ends directly before."""
    resource, gone = f"DB instance {target.db_instance_identifier}", partial(waiting.wait_until_gone, target)
    if found is None or found.going:
        yield absent(resource, found, gone)
        return
    _require_deletable(target, found, final_snapshot)
    if found.deletion_protection:
        note = "directly before it goes, and on again if RDS refuses that"
        yield Change(Action.MODIFY, resource, "DeletionProtection", "True", "False", note)
    last = {"SkipFinalSnapshot": True} if final_snapshot == NONE else {"FinalDBSnapshotIdentifier": final_snapshot}
    parameters = {"DBInstanceIdentifier": found.identifier, **last, "DeleteAutomatedBackups": not target.protected}
    kept = "its data are lost" if final_snapshot == NONE else f"its data stay in the snapshot {final_snapshot}"
    kept += f"; its automated backups stay for {found.backup_retention_period} days" if target.protected else ""
    call = Call("rds", "delete_db_instance", parameters)
    if found.deletion_protection:
        yield Change(Action.DELETE, resource, note=f"for good; {kept}", make=partial(_delete, target, call), settle=gone)
    else:
        yield Change(Action.DELETE, resource, note=f"for good; {kept}", calls=(call,), settle=gone)


def _delete(target: Target, call: Call) -> None:
    """Take protection off and delete; where that does not come about, protection is put back."""
    try:
        calls.send(target, instances.protection(target.db_instance_identifier, on=False))
        waiting.wait(target, lacks=instances.still_protected)
        # RDS may tell the new value before it is modifying, and deletes nothing until it has done with that.
        late = replace(call, retry_code=BUSY_CODE, retry_seconds=waiting.LATE_SECONDS)
        calls.send(target, late, lambda _: not _stays(target))
    except BaseException:
        if found := _stays(target):
            calls.send(target, instances.protection(found.identifier, on=True))
        raise


def _stays(target: Target) -> Instance | None:
    """The instance, unless it is gone or going."""
    found = instances.describe(target)
    return found if found and not found.going else None


def _require_deletable(target: Target, found: Instance, final_snapshot: str) -> None:
    """Refuse what RDS would refuse, before anything is changed."""
    if not final_snapshot:
        raise WrongInput(f'say what becomes of the data: final_snapshot is a name for the last snapshot, or "{NONE}" for none')
    if not limits.NEW_SNAPSHOT.holds(final_snapshot):
        raise WrongInput(f'"{final_snapshot}" is no name for a snapshot: write {limits.NEW_SNAPSHOT.words}')
    if final_snapshot != NONE and snapshots.describe(target, final_snapshot):
        raise WrongInput(f"there is a snapshot {final_snapshot} already: choose another name for the last one")
    if not (found.ready or found.broken or found.status in instances.AT_REST):
        raise InstanceNotReady(f"{found.identifier} is {found.status}, and RDS would not delete it: wait, then repeat")
    if final_snapshot != NONE and (found.source or found.status in SNAPSHOTLESS):
        state = f"a replica of {found.source}" if found.source else found.status
        raise WrongInput(f'{found.identifier} is {state}, and RDS takes no last snapshot of it: only "{NONE}" can be said')
    if found.deletion_protection and not found.ready:
        instances.require_recoverable(found)


def _log_groups(target: Target, found: Instance) -> Iterator[Change]:
    """Those that RDS made for this instance; of one that is gone, nobody knows whose they were."""
    for name, kept in inventory.log_groups(target, found).items():
        yield inventory.log_removal(name, kept)


def _parameter_group(target: Target, found: Instance) -> Iterator[Change]:
    """The one that an upgrade made for this instance; those with other names are somebody's own."""
    own = parameter_groups.name(target, found.engine_version)
    return parameter_groups.removals(target, *([own] if found.parameter_group == own else []))


def _rules(target: Target) -> Iterator[Change]:
    """The runbook's rules for addresses in whichever groups of others they are; those in its own group go with that."""
    own = {group.id for group in groups.own(target)}
    for rule in rules_of(target, made_for(target)):
        if "/" in rule.source and rule.group_id not in own:  # that for the function's group goes with the function
            yield Change(Action.DELETE, f"security-group rule {rule.id}", calls=(rule.revocation(),))


def _groups(target: Target) -> Iterator[Change]:
    """The runbook's own group, unless others rely on it; one that DB_SG_ID names is somebody else's."""
    for group in groups.own(target):
        call, note = Call("ec2", "delete_security_group", {"GroupId": group.id}), "waits until the DB instance is gone"
        yield removal(f"security group {group.name}", call, note=note, kept=dependents.of_group(target, group.id))
