"""How plans were applied before they applied themselves; each caller goes over to `Plan.apply`, and then this goes."""

from __future__ import annotations

from collections.abc import Callable

from cruddur_ops import calls
from cruddur_ops.calls import Call
from cruddur_ops.errors import InstanceNotReady
from cruddur_ops.plan import Action, Change, Outcome, Plan, require_confirmation
from cruddur_ops.plan import apply as apply_plan
from cruddur_ops.targets import Target


def apply(
    plan: Plan,
    target: Target,
    confirm: str = "",
    after: Callable[[Change], None] = lambda _: None,
    send: Callable[[Target, Call], object] = calls.send,
) -> Outcome:
    """Make the plan's AWS API calls, in order.

    Args:
        plan: of AWS resources; one that needs another first is refused.
        target: where.
        confirm: the DB instance identifier, for a protected target.
        after: is called with each change once it is made, to wait for what the next one needs.
        send: makes one call, where that takes more than asking once.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its identifier.
        InstanceNotReady: the plan waits for something that is not there yet, or the instance is busy.
        NotOffered: AWS has no capacity, or the account's quota is used up.
        WrongInput: AWS refuses a value.
        RunInProgress: somebody else changed the same resource since the plan was computed.
    """
    identifier = target.db_instance_identifier
    require_confirmation(plan, protected=target.protected, identifier=identifier, confirm=confirm)
    _require_complete(plan)

    def make(change: Change) -> None:
        for call in change.calls:
            send(target, call)
        after(change)

    return apply_plan(plan, make)


def _require_complete(plan: Plan) -> None:
    for change in plan.mutating:
        if change.action is not Action.MODIFY and not change.calls:
            raise InstanceNotReady(f"{change.resource} cannot be changed yet: {change.note}")
