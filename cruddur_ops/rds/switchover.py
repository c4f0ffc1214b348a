"""Switchover: the restored DB instance takes the name of the original, so that clients find it where they look.

Both are renamed, one after the other. The way back is the same plan with the names exchanged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cruddur_ops import applying
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.rds import instances, waiting
from cruddur_ops.rds.instances import Instance

if TYPE_CHECKING:
    from cruddur_ops.targets import Target


def plan_switchover(target: Target, incoming: str, outgoing: str) -> Plan:
    """Rename the target's DB instance to `outgoing`, then `incoming` to the name of the target's.

    Where an earlier run came to, this one goes on; after all of it, the plan is empty.

    Args:
        target: whose name is to lead to the other instance.
        incoming: the identifier of the instance that is to take the name.
        outgoing: the identifier under which the present one is kept.

    Raises:
        WrongInput: two of the three names are the same, or `outgoing` is taken by a third instance.
        InstanceNotReady: an instance is missing, or in no state to be renamed.
    """
    name = target.db_instance_identifier
    if len({name, incoming, outgoing}) < 3:
        raise WrongInput(f"{name}, {incoming} and {outgoing} must differ: choose another name for the outgoing instance")
    everything = instances.describe_all(target)  # in one call: asked one by one, a rename might show in two places
    found = {one: everything.get(one) for one in (name, incoming, outgoing)}
    return switchover_plan(target, found, incoming, outgoing)


def switchover_plan(target: Target, found: dict[str, Instance | None], incoming: str, outgoing: str) -> Plan:
    """The same, decided from what was described under the three names.

    Raises:
        WrongInput: `outgoing` is taken by a third instance.
        InstanceNotReady: an instance is missing, or in no state to be renamed.
    """
    name, title = target.db_instance_identifier, f"switchover on {target.name}"
    present = bool(found[name]), bool(found[incoming]), bool(found[outgoing])
    both = (_renaming(name, outgoing), _renaming(incoming, name))
    steps = {(True, True, False): both, (False, True, True): both[1:], (True, False, True): ()}.get(present)
    if steps is None and all(present):
        raise WrongInput(f"there is a DB instance {outgoing} already: choose another name for the outgoing instance")
    if steps is None:
        missing = name if found[incoming] else incoming
        raise InstanceNotReady(f"there is no DB instance {missing}: restore it with 08_snapshot_and_restore, then repeat")
    for one in found.values():
        if one and steps and not one.ready:
            instances.require_recoverable(one)
            raise InstanceNotReady(f"{one.identifier} is {one.status}: wait until it is available, then repeat")
    done = (Change(Action.NONE, f"DB instance {name}", note=f"has taken over from {outgoing} already"),)
    facts = (
        "from the first step to the end of the second, clients find no server: stop the application first",
        f"the way back: the same with {outgoing} as incoming, and {incoming} as outgoing",
    )
    return Plan(title, steps or done, facts)


def _renaming(before: str, after: str) -> Change:
    parameters = {"DBInstanceIdentifier": before, "NewDBInstanceIdentifier": after, "ApplyImmediately": True}
    call = Call("rds", "modify_db_instance", parameters)
    note = "restarts it; on AWS up to 10 minutes"
    return Change(Action.MODIFY, f"DB instance {before}", "identifier", before, after, note, (call,))


def switch_over(plan: Plan, target: Target, confirm: str = "") -> Outcome:
    """Make the plan: each instance is renamed when the one before it has answered to its new name.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its identifier.
        InstanceNotReady: an instance did not become available under its new name.
        OpsError: AWS refuses.
    """
    outcome = applying.apply(plan, target, confirm, after=lambda change: _settle(target, change))
    waiting.wait(target)
    return outcome


def _settle(target: Target, change: Change) -> None:
    """Wait until the renamed instance is available; meanwhile it may answer to neither name."""
    waiting.wait(replace(target, db_instance_identifier=str(change.after)), renamed=True)
