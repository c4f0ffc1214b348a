"""A blue/green deployment: a second instance follows the first one, is upgraded meanwhile, and takes over its name.

The green instance has the tags of the blue one, and a DbiResourceId of its own: that of the blue one is noted in the tag Lineage
before, so that the green one is known for what has taken its place.
Source: RDS User Guide, "Using Amazon RDS Blue/Green Deployments for database updates".

Planning raises what `upgrade_paths` raises; WrongInput for a deployment that is not this target's, and where it would remove
something outside of the sandbox, see `targets`; InstanceNotReady where RDS is at work at it. Applying raises WrongInput where
something is in the way of it, and NotVerified, with RDS's reason, where it was not made or nothing was switched over.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, replace
from functools import partial

from cruddur_ops import aws, tags
from cruddur_ops.change import absent, removal
from cruddur_ops.errors import InstanceNotReady, NotVerified, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, parameter_groups, prices, replicas, restores, settings, teardown, waiting
from cruddur_ops.rds.instances import LINEAGE, Instance, at
from cruddur_ops.rds.upgrade_paths import Problems, UpgradePath, upgrade_path
from cruddur_ops.target import Target

METHODS = {"in place": False, "blue/green": True}
AVAILABLE, INVALID, DELETING = "AVAILABLE", "INVALID_CONFIGURATION", "DELETING"
COMPLETED, FAILED = "SWITCHOVER_COMPLETED", "SWITCHOVER_FAILED"
LONGEST_NAME, WORD = 60, "upgrade"  # of a deployment (RDS API Reference, CreateBlueGreenDeployment)
SECONDS = (30, 3600)  # that a switchover may be given (SwitchoverBlueGreenDeployment)
ANCESTORS = 6  # whose identifiers fit into a tag


@dataclass(frozen=True)
class Deployment:
    """A blue/green deployment, as RDS describes it; the members are ARNs, and after the switchover the source is the old one."""

    identifier: str = at("BlueGreenDeploymentIdentifier", MISSING)
    status: str = at("Status", MISSING)
    details: str = at("StatusDetails")
    source: str = at("Source")
    target: str = at("Target")
    tasks: tuple[str, ...] = at("Tasks[?Status == 'IN_PROGRESS'].Name", ())
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def green(self) -> str:
        """The identifier of the instance that follows; empty while there is none."""
        return self.target.rpartition(":")[2]


def chosen(method: str) -> bool:
    """Whether an upgrade is to be made by blue/green."""
    if method not in METHODS:
        raise WrongInput(f'"{method}" is no method of an upgrade: choose one of {", ".join(METHODS)}')
    return METHODS[method]


def name(target: Target) -> str:
    """What the target's deployment is called."""
    return f"{target.db_instance_identifier[: LONGEST_NAME - len(WORD) - 1].rstrip('-')}-{WORD}"


def find(target: Target) -> Deployment | None:
    """The target's deployment; None where there is none."""
    named = [{"Name": "blue-green-deployment-name", "Values": [name(target)]}]
    for item in aws.pages(target, "rds", "describe_blue_green_deployments", Filters=named):
        labels = tags.as_mapping(item.get("TagList") or ())
        tags.require_ours(target, labels, f"blue/green deployment {name(target)}")
        return Deployment(**instances.values(Deployment, item), tags=labels)
    return None


def predecessor(target: Target) -> Instance | None:
    """The instance that had the target's name before a switchover, by its tags and by the new one's; None where there is none."""
    found = instances.describe(target)
    if not found or not found.lineage:
        return None
    others = [one for one in instances.describe_all(target).values() if one.resource_id != found.resource_id]
    return next((one for one in others if one.resource_id in found.lineage and tags.ours(target, one.tags)), None)


@step
def plan_deployment(target: Target, version: str, problems: Problems) -> Plan:
    """Make the second instance, upgraded the next step towards a version, and let it follow; one that has failed is replaced.

    Args:
        target: whose instance.
        version: see `upgrade_path`.
        problems: tells what is in the way of an upgrade to a version by blue/green, see `database.blue_green_obstacles`.
    """
    title, resource = f"blue/green deployment on {target.name}", f"blue/green deployment {name(target)}"
    found, there = instances.describe(target), find(target)
    if found is None:
        note = "known after the DB instance is there"
        return Plan(title, (Change(Action.CREATE, resource, after=version or "the newest", note=note),))
    path = upgrade_path(target, version)
    if not path.steps:
        return Plan(title, (Change(Action.NONE, resource, note=f"{found.identifier} runs PostgreSQL {path.running} already"),))
    if there and there.status == COMPLETED:
        raise InstanceNotReady(f"{name(target)} is of the step before: remove it and the old instance first, then repeat")
    if there and there.status not in (INVALID, DELETING):
        settle = partial(_wait, target, AVAILABLE, FAILED, COMPLETED)
        return Plan(title, (Change(Action.NONE, resource, note=f"is {there.status} already", settle=settle),))
    instances.require_ready(found)
    changes = (*(_given_up(target, there) if there else ()), *_creation(target, found, path))
    blocked = problems(target, path.next)
    if blocked:
        sentence = f"blue/green does not do, and nothing was changed: {'; '.join(blocked)}: mend that, or upgrade in place"
        changes = (replace(changes[0], refusal=WrongInput(sentence)), *changes[1:])
    return Plan(title, changes, tuple(_facts(target, found, path)))


def _creation(target: Target, found: Instance, path: UpgradePath) -> Iterator[Change]:
    lineage = " ".join([found.identifier, *list(dict.fromkeys([*found.lineage, found.resource_id]))[-ANCESTORS:]])
    if lineage != found.tags.get(LINEAGE):
        call = Call("rds", "add_tags_to_resource", {"ResourceName": found.arn, "Tags": tags.as_list({LINEAGE: lineage})})
        about = "the green instance takes it along, and is known by it"
        before = found.tags.get(LINEAGE)
        yield Change(Action.MODIFY, f"DB instance {found.identifier}", f"tag {LINEAGE}", before, lineage, about, (call,))
    group = parameter_groups.wanted(target, found, path.next)
    parameters = {
        "BlueGreenDeploymentName": name(target),
        "Source": found.arn,
        "TargetEngineVersion": path.next,
        **({"TargetDBParameterGroupName": group} if group else {}),
        "Tags": tags.as_list(tags.of(target)),
    }
    note = f"{found.identifier} goes on; an hour or more on AWS"
    call, settle = Call("rds", "create_blue_green_deployment", parameters), partial(_wait, target, AVAILABLE)
    resource, after = f"blue/green deployment {name(target)}", f"PostgreSQL {path.next}, from {path.running}"
    yield Change(Action.CREATE, resource, after=after, note=note, calls=(call,), settle=settle)


def _facts(target: Target, found: Instance, path: UpgradePath) -> Iterator[str]:
    if len(path.steps) > 1:
        yield f"PostgreSQL {path.wanted} comes after that: plan this again then"
    yield f"cost: {prices.an_hour(settings.resolved(target, found))} more, until the old instance is removed"
    yield "no schema may change until the switchover, and no large object: RDS would give the deployment up"


@step
def plan_blue_green_switchover(target: Target, version: str, seconds: int = 300) -> Plan:
    """Let the green instance take over the name.

    Args:
        target: whose instance.
        version: as for `plan_deployment`.
        seconds: after which RDS leaves all as it was.
    """
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise WrongInput(f"a switchover is given {SECONDS[0]} to {SECONDS[1]} seconds, and not {seconds}")
    title, resource = f"blue/green switchover on {target.name}", f"DB instance {target.db_instance_identifier}"
    found, there = instances.describe(target), find(target)
    if there and there.status == "SWITCHOVER_IN_PROGRESS":
        switched = partial(_wait_switched, target, there)
        return Plan(title, (Change(Action.NONE, resource, note="is switching over already", settle=switched),))
    path = upgrade_path(target, version) if found else None
    if found and path and not path.steps:
        note, at_rest = f"runs PostgreSQL {path.running}", partial(waiting.wait, target)
        return Plan(title, (Change(Action.NONE, resource, note=note, settle=at_rest),))
    change = Change(Action.MODIFY, resource, "EngineVersion", note="known after the blue/green deployment is there")
    if not (path and there and there.status in (AVAILABLE, FAILED, INVALID)):
        return Plan(title, (change,))
    change = replace(change, before=path.running, after=path.next, note="nobody gets in for about a minute; cannot be undone")
    parameters = {"BlueGreenDeploymentIdentifier": there.identifier, "SwitchoverTimeout": seconds}
    call, settle = Call("rds", "switchover_blue_green_deployment", parameters), partial(_wait_switched, target, there)
    refusal = _invalid(target, there) if there.status == INVALID else None
    return Plan(
        title, (replace(change, calls=(call,), settle=settle, refusal=refusal),), tuple(_switchover_facts(target, seconds))
    )


def _switchover_facts(target: Target, seconds: int) -> Iterator[str]:
    own = target.db_instance_identifier
    yield f"RDS ends all sessions first; if that takes more than {seconds} s, or a long transaction writes, all stays as it was"
    yield f"the old instance is called {own}-old1 then, takes no writes, and is billed until it is removed"
    yield "nothing is replicated back: the way back is the old instance or a snapshot, without what was written since"
    yield "the DbiResourceId is another: IAM policies and dashboards that name it want the new one; alarms go by the name"


def _wait(target: Target, *wanted: str) -> Deployment:
    """Wait until the deployment has one of these statuses; its tasks are shown meanwhile."""

    def look() -> tuple[str, Deployment | None]:
        found = find(target)
        if found and found.status == INVALID:
            raise _invalid(target, found)
        status = ": ".join(filter(None, [found.status, *found.tasks])) if found else "to come"
        return status, found if found and found.status in wanted else None

    return waiting.poll(target, wanted[0], look, waiting.LONGEST)


def _invalid(target: Target, found: Deployment) -> NotVerified:
    what = f"RDS cannot use {name(target)} ({found.details}), and {target.db_instance_identifier} is as it was"
    return NotVerified(f"{what}: mend that, then run 09_upgrade again, which makes the deployment anew")


def _wait_switched(target: Target, before: Deployment) -> None:
    """Wait until RDS has switched over; a failure of an earlier attempt is told for a while still."""
    begun, seen = time.monotonic(), before.status != FAILED

    def look() -> tuple[str, bool | None]:
        nonlocal seen
        found = find(target)
        status = found.status if found else COMPLETED
        seen = seen or status != FAILED or time.monotonic() > begun + waiting.LATE_SECONDS
        if found and (status == INVALID or (status == FAILED and seen)):
            what = f"RDS did not switch over, and {target.db_instance_identifier} is as it was ({found.details})"
            raise NotVerified(f"{what}: mend that, or wait for fewer writes, then repeat")
        return status, status == COMPLETED or None

    waiting.poll(target, "switched over", look, waiting.HOUR + SECONDS[1])
    waiting.wait(target, renamed=True)


@step
def plan_blue_green_removal(target: Target, final_snapshot: str) -> Plan:
    """Remove the deployment: after its switchover with the old instance, before it with the green one.

    Args:
        target: whose instance, which stays.
        final_snapshot: the name of the last snapshot of the old instance, or "none" for none.
    """
    title, there = f"removal of the blue/green deployment on {target.name}", find(target)
    if there and there.status != COMPLETED:
        return Plan(title, tuple(_given_up(target, there)))
    old = predecessor(target)
    sibling = restores.sibling(target, old.identifier) if old else target
    changes = (*(teardown.deletion(sibling, old, final_snapshot) if old else ()), *_gone(target, there))
    return Plan(title, changes, asks_always=bool(old and old.deletion_protection))


def _given_up(target: Target, there: Deployment) -> Iterator[Change]:
    """The deployment away, with the green instance, which nobody uses yet."""
    if there.status not in (AVAILABLE, FAILED, INVALID, DELETING):
        raise InstanceNotReady(f"{name(target)} is {there.status}: wait until it is not, then repeat")
    green = instances.describe_all(target).get(there.green) if there.status != DELETING else None
    if green and green.deletion_protection:
        yield replicas.unprotected(target, green)
    for change in _gone(target, there, DeleteTarget=True):
        note = f"with {there.green}; {target.db_instance_identifier} stays as it is" if there.green else change.note
        yield replace(change, note=note)


def _gone(target: Target, there: Deployment | None, **more: bool) -> Iterator[Change]:
    resource, settle = f"blue/green deployment {name(target)}", partial(_wait_until_gone, target)
    if there is None or there.status == DELETING:
        yield absent(resource, there, settle)
        return
    call = Call("rds", "delete_blue_green_deployment", {"BlueGreenDeploymentIdentifier": there.identifier, **more})
    yield replace(removal(resource, call, note="the instances stay"), settle=settle)


def _wait_until_gone(target: Target) -> None:
    def look() -> tuple[str, bool | None]:
        found = find(target)
        return (found.status, None) if found else ("gone", True)

    waiting.poll(target, "gone", look, waiting.HOUR)
