"""Switchover: the restored DB instance takes the name of the original, so that clients find it where they look.

Both are renamed, one after the other. The way back is the same plan with the names exchanged. It raises WrongInput for names
that cannot be used, and InstanceNotReady where an instance is missing, or in no state to be renamed.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from cruddur_ops import tags
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import instances, restores, settings, waiting
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target


@step
def plan_switchover(target: Target, incoming: str, outgoing: str) -> Plan:
    """Rename the target's DB instance to `outgoing`, then `incoming` to the name of the target's.

    Where an earlier run came to, this one goes on; after all of it, the plan is empty.

    Args:
        incoming: the identifier of the instance that is to take the name.
        outgoing: the identifier under which the present one is kept.
    """
    name = target.db_instance_identifier
    if len({name, incoming, outgoing}) < 3:
        raise WrongInput(f"{name}, {incoming} and {outgoing} must differ: choose another name for the outgoing instance")
    everything = instances.describe_all(target)  # in one call: asked one by one, a rename might show in two places
    found = {one: everything[one] for one in (name, incoming, outgoing) if one in everything}
    differing = settings.unlike(found[name], found[incoming]) if len(found) == 2 and {name, incoming} == found.keys() else ()
    _require_copy(target, found, incoming)
    facts = (
        *differing,
        "from the first step to the end of the second, clients find no server: stop the application first",
        f"the way back: the same with {outgoing} as incoming, and {incoming} as outgoing",
    )
    return Plan(f"switchover on {target.name}", _renamings(target, found, incoming, outgoing), facts)


def _renamings(target: Target, found: Mapping[str, Instance], incoming: str, outgoing: str) -> tuple[Change, ...]:
    """The renamings that are left to do, decided from which of the three names there are."""
    name = target.db_instance_identifier
    if found.keys() == {name, outgoing}:
        note = f"has taken over from {outgoing} already"
        return (Change(Action.NONE, f"DB instance {name}", note=note, settle=partial(waiting.wait, target)),)
    if len(found) == 3:
        raise WrongInput(f"there is a DB instance {outgoing} already: choose another name for the outgoing instance")
    if incoming not in found:
        raise InstanceNotReady(f"there is no DB instance {incoming}: restore it with 08_snapshot_and_restore, then repeat")
    for one in found.values():
        instances.require_ready(one)
    if name in found and found[incoming].source:
        raise WrongInput(f"{incoming} is a read replica: promote it with `cruddur-ops rds promote {incoming}`, then repeat")
    both = _renaming(target, name, outgoing), _renaming(target, incoming, name)
    return both if name in found else both[1:]


def _require_copy(target: Target, found: Mapping[str, Instance], incoming: str) -> None:
    """Refuse to give the name to what is another target's own: it comes from a restore, or is the one that had the name."""
    one = found.get(incoming)
    known = one is None or restores.COPY_OF in one.tags or tags.ours(target, one.tags)
    if not (known or any(restores.is_copy(other, one) for other in found.values())):
        message = (
            f"{incoming} is neither a copy that this runbook made, nor what had the name {target.db_instance_identifier} before"
        )
        raise WrongInput(f"{message}: tag it with {restores.COPY_OF} and the DbiResourceId of the original, if it is a copy")


def _renaming(target: Target, before: str, after: str) -> Change:
    """A change of name; meanwhile the instance may answer to neither."""
    parameters = {"DBInstanceIdentifier": before, "NewDBInstanceIdentifier": after, "ApplyImmediately": True}
    call, note = Call("rds", "modify_db_instance", parameters), "restarts it; on AWS up to 10 minutes"
    settle = partial(waiting.wait, replace(target, db_instance_identifier=after), renamed=True)
    return Change(Action.MODIFY, f"DB instance {before}", "identifier", before, after, note, (call,), settle=settle)
