"""The user pool: the one that the target names, or in the sandbox its own; and its settings, read, merged and written.

Sign-ups belong to whom a pool serves: outside the sandbox none is found by its name, nor made; and a trigger of another function
is never replaced.

A pool that is named and is not there, or is needed and is not there, is NotFound; an id that names none of the target's
region, a name that several pools of this target have, or a trigger of another function is WrongInput.
"""

import re
from collections.abc import Mapping
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.target import Target

Pool = Mapping[str, Any]  # as DescribeUserPool describes it
POOL_ID = re.compile(r"(?P<region>[\w-]+)_[0-9a-zA-Z]+")  # Amazon Cognito API Reference, UserPoolType
# What UpdateUserPool calls otherwise than DescribeUserPool; a test holds both against botocore's models.
RENAMED = {"Id": "UserPoolId", "Name": "PoolName"}
TRIGGER = "LambdaConfig.PostConfirmation"
REQUIRED_ATTRIBUTES = ("email", "name", "preferred_username")


def describe(target: Target) -> Pool | None:
    """The pool that user_pool_id names; in the sandbox else the target's own, by its tags; None where that is not there."""
    if target.user_pool_id:
        require_region(target)
        return _named(target)
    if not target.sandbox:
        return None
    pools = aws.pages(target, "cognito-idp", "list_user_pools", PaginationConfig={"PageSize": 60})
    named = [_described(target, pool["Id"]) for pool in pools if pool["Name"] == target.user_pool_name]
    found = [pool for pool in named if pool and owned(target, pool)]  # the list may still have one that is gone
    if len(found) > 1:
        message = f"{len(found)} user pools of this target are called {target.user_pool_name}: name one in user_pool_id"
        raise WrongInput(message)
    return found[0] if found else None


def owned(target: Target, pool: Pool) -> bool:
    """Whether the runbook made it for this target."""
    return tags.ours(target, pool.get("UserPoolTags", {}))


def has_users(target: Target, pool: Pool) -> bool:
    """Whether anybody has signed up; the number that Cognito describes is an estimate, and late."""
    return bool(aws.client(target, "cognito-idp").list_users(UserPoolId=pool["Id"], Limit=1)["Users"])


def kept(pool: Pool) -> str:
    """Why Cognito would not delete it (Amazon Cognito Developer Guide, deletion protection; domains); empty where it would."""
    if pool.get("DeletionProtection") == "ACTIVE":
        return "is protected from deletion"
    domain = pool.get("CustomDomain") or pool.get("Domain")
    return f"has the domain {domain}" if domain else ""


def require_region(target: Target) -> None:
    """Refuse a pool of another region, which its id tells, before anything is asked."""
    matched = POOL_ID.fullmatch(target.user_pool_id)
    if matched is None:
        message = f'"{target.user_pool_id}" is no id of a user pool: set user_pool_id to one such as {target.region}_AbCdEf123'
        raise WrongInput(message)
    if matched["region"] != target.region:
        message = f"the user pool {target.user_pool_id} is in {matched['region']} and calls no function in {target.region}"
        raise WrongInput(f"{message}: set user_pool_id to a pool of {target.region}, or set region")


def _named(target: Target) -> Pool:
    found = _described(target, target.user_pool_id)
    if found is None:
        raise NotFound(f"there is no user pool {target.user_pool_id} in {target.region}: correct user_pool_id")
    return found


def _described(target: Target, pool_id: str) -> Pool | None:
    found = aws.find(target, "cognito-idp", "describe_user_pool", "ResourceNotFoundException", UserPoolId=pool_id)
    return found["UserPool"] if found else None


def require(target: Target) -> Pool:
    """The target's pool."""
    found = describe(target)
    if found is None and not target.sandbox:
        raise unnamed(target)
    if found is None:
        raise NotFound(f"there is no user pool {target.user_pool_name}: run 05_post_confirmation_lambda, or set user_pool_id")
    return found


def unnamed(target: Target) -> NotFound:
    """That nobody has said whose sign-ups are meant."""
    return NotFound(
        f"no user pool is named for {target.name}: set user_pool_id to the application's, such as {target.region}_AbCdEf123"
    )


def resource(target: Target) -> str:
    """What plans call it."""
    return f"user pool {target.user_pool_id or target.user_pool_name}"


def creation(target: Target, found: Pool | None, waits_for: str = "") -> Change:
    """Create the target's own pool in the sandbox where it is missing; what is to come before it is the change's note."""
    if found is not None:
        return Change(Action.NONE, resource(target))
    if not target.sandbox:
        raise unnamed(target)
    call = Call("cognito-idp", "create_user_pool", parameters(target))
    after = f"sign-in by email; {', '.join(REQUIRED_ATTRIBUTES)} required"
    note, made = (waits_for, ()) if waits_for else ("for rehearsals", (call,))
    return Change(Action.CREATE, resource(target), after=after, note=note, calls=made)


def parameters(target: Target) -> dict[str, Any]:
    """The parameters of CreateUserPool."""
    schema = [{"Name": name, "AttributeDataType": "String", "Required": True, "Mutable": True} for name in REQUIRED_ATTRIBUTES]
    return {
        "PoolName": target.user_pool_name,
        "UsernameAttributes": ["email"],
        "UsernameConfiguration": {"CaseSensitive": False},
        "AutoVerifiedAttributes": ["email"],
        "Schema": schema,
        "UserPoolTags": tags.of(target),
    }


def update(target: Target, pool: Pool, trigger: str) -> dict[str, Any]:
    """The parameters of UpdateUserPool that repeat every setting, and set the post-confirmation trigger alone; empty for none.

    UpdateUserPool takes what is not repeated back to its default (Amazon Cognito API Reference).
    """
    members = aws.client(target, "cognito-idp").meta.service_model.operation_model("UpdateUserPool").input_shape.members
    named = {RENAMED.get(name, name): value for name, value in pool.items()}
    repeated = {name: value for name, value in named.items() if name in members and value not in ("", [], {}, None)}
    triggers = {name: value for name, value in pool.get("LambdaConfig", {}).items() if name != "PostConfirmation"}
    repeated["LambdaConfig"] = {**triggers, **({"PostConfirmation": trigger} if trigger else {})}
    return _without_deprecated(repeated)


def _without_deprecated(repeated: dict[str, Any]) -> dict[str, Any]:
    """Cognito describes the days of a temporary password twice, and refuses to be given both."""
    invitation = repeated.get("AdminCreateUserConfig", {})
    if "TemporaryPasswordValidityDays" not in repeated.get("Policies", {}).get("PasswordPolicy", {}):
        return repeated
    kept = {name: value for name, value in invitation.items() if name != "UnusedAccountValidityDays"}
    return {**repeated, "AdminCreateUserConfig": kept} if invitation else repeated


def trigger(pool: Pool) -> str:
    """The ARN of the function that the pool calls upon a confirmation; empty for none."""
    return str(pool.get("LambdaConfig", {}).get("PostConfirmation", ""))


def require_free(target: Target, pool: Pool | None, wanted: str) -> None:
    """Refuse a pool that calls another function: somebody's sign-ups rely on that."""
    found = trigger(pool) if pool else ""
    if found not in ("", wanted):
        message = f"the {resource(target)} calls {found} upon a confirmation, which is not this target's function"
        raise WrongInput(f"{message}: take that trigger away yourself if nobody needs it, or name another pool in user_pool_id")


def trigger_change(target: Target, pool: Pool | None, wanted: str) -> Change:
    """Set the trigger, or take it away where `wanted` is empty; every other setting stays as it is."""
    name = resource(target)
    if pool is None:
        return Change(Action.MODIFY, name, TRIGGER, note="known after the user pool")
    found = trigger(pool)
    if found == wanted:
        return Change(Action.NONE, name, TRIGGER, after=_short(wanted))
    given = update(target, pool, wanted)
    note = f"repeats {len(given) - 2} other settings as they are"  # UserPoolId and LambdaConfig are none of them
    call = Call("cognito-idp", "update_user_pool", given)
    return Change(Action.MODIFY, name, TRIGGER, _short(found), _short(wanted), note, (call,))


def _short(arn: str) -> str:
    """A function's name and, so that nobody takes one for the other, nothing of its account."""
    return arn.rpartition(":")[2] or "none"
