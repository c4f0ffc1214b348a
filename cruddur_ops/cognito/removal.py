"""The undoing of a deployment, from the trigger to the role; it needs neither the DB instance nor its secret.

Planning raises WrongInput for a user pool that is not the target's own.
"""

from collections.abc import Iterator
from dataclasses import replace

from cruddur_ops import dependents, rds, roles, tags
from cruddur_ops.change import removal
from cruddur_ops.cognito import function, function_network, names, pool, role
from cruddur_ops.errors import WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.rules import made_for, rules_of
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.target import Target

# A function's network interfaces outlive it by up to 20 minutes (Lambda Developer Guide, "Giving Lambda functions
# access to resources in an Amazon VPC"), and their security group with them.
GROUP_USED, GROUP_SECONDS = "DependencyViolation", 1800.0


def plan_teardown(target: Target, final_snapshot: str, user_pool: str = "") -> Plan:
    """All that the runbook made for a target, the most precious last: the function, the instance, the users.

    Args:
        final_snapshot: the name of the last snapshot, or "none" for none.
        user_pool: the id of the user pool, where its users are to go with it.
    """
    whole = plan_undeploy(target) + rds.plan_teardown(target, final_snapshot) + plan_remove_pool(target, user_pool)
    return replace(whole, title=f"teardown of all on {target.name}")


@step
def plan_undeploy(target: Target) -> Plan:
    """Take away what 05_post_confirmation_lambda made, but for the user pool; what has its names and is not ours stays."""
    name, found = names.function_name(target), function.describe(target)
    ours = found is not None and tags.ours(target, found.tags)
    changes = (
        *_trigger(target),
        *(_function(name, found) if found and ours else ()),
        *_network(target, name),
        *_log(target, ours),
        *_role(target, name),
    )
    nothing = Change(Action.NONE, f"function {name}", note="nothing of it is there")
    return Plan(f"removal of the post-confirmation function on {target.name}", changes or (nothing,))


@step
def plan_remove_pool(target: Target, user_pool: str = "") -> Plan:
    """Delete the user pool that the runbook made for this target, where it has no users or is asked for by its id.

    Args:
        user_pool: the id of the pool, where its users are to go with it.
    """
    found, title = pool.describe(target), f"user pool on {target.name}"
    mine = found is not None and pool.owned(target, found) and not target.user_pool_id
    if user_pool and not (found and mine and found["Id"] == user_pool):
        raise WrongInput(f"the user pool {user_pool} was not made for {target.name} by this runbook, and stays: leave it out")
    resource = pool.resource(target)
    if not found or not mine:
        note = "is the application's" if found else "is not there"
        return Plan(title, (Change(Action.NONE, resource, note=note),))
    if kept := pool.kept(found):
        if user_pool:
            raise WrongInput(
                f"the user pool {user_pool} {kept}, and Cognito would not delete it: take that away, or leave it out"
            )
        return Plan(title, (Change(Action.NONE, resource, note=f"{kept}, and stays"),))
    users = pool.has_users(target, found)
    if users and not user_pool:
        note = f"has users, and stays: it goes with them where user_pool is its id, {found['Id']}"
        return Plan(title, (Change(Action.NONE, resource, note=note),))
    call = Call("cognito-idp", "delete_user_pool", {"UserPoolId": found["Id"]})
    return Plan(title, (removal(resource, call, note="with all its users" if users else "has no users"),))


def _function(name: str, found: function.Function) -> Iterator[Change]:
    """The function, unless others call it, too: Lambda would delete it under them."""
    others = [one for one in found.statements if not one.startswith(function.STATEMENT_PREFIX)]
    message = f"others may call the function {name}, by the statements {', '.join(others)} of its policy"
    refusal = WrongInput(f"{message}: take these permissions away if nobody needs them, then plan again") if others else None
    yield replace(removal(f"function {name}", Call("lambda", "delete_function", {"FunctionName": name})), refusal=refusal)


def _trigger(target: Target) -> Iterator[Change]:
    """Take the trigger off the pool, if it is ours."""
    found = pool.describe(target)
    if found and pool.trigger(found).endswith(
        f":{target.region}:{found['Arn'].split(':')[4]}:function:{names.function_name(target)}"
    ):
        yield pool.trigger_change(target, found, "")


def _network(target: Target, name: str) -> Iterator[Change]:
    """The rules that admit the function's groups, the endpoints that stand in them, and the groups themselves."""
    mine = made_for(target)
    own = groups.find(target, mine)
    for group in (one for one in own if one.name == name):
        made = [rule for rule in rules_of(target, mine) if rule.source == group.id]
        for rule in sorted(made, key=lambda rule: rule.from_port):
            yield removal(f"security-group rule tcp {rule.from_port} for {rule.description}", rule.revocation())
        yield from _others_rules(target, group, [one.id for one in own if one != group])
        for one in function_network.endpoints(target, mine):
            if group.id in one.group_ids:
                yield removal(function_network.ENDPOINT, Call("ec2", "delete_vpc_endpoints", {"VpcEndpointIds": [one.id]}))
        given = {"GroupId": group.id}
        call = Call("ec2", "delete_security_group", given, retry_code=GROUP_USED, retry_seconds=GROUP_SECONDS)
        note = "on AWS up to 20 minutes after the function"
        yield removal(f"security group {name}", call, note=note, kept=dependents.of_group(target, group.id))


def _others_rules(target: Target, group: groups.Group, own: list[str]) -> Iterator[Change]:
    """What others have put into the target's own groups for this one: EC2 would keep a group that another's rule names."""
    for rule in rules_of(target, {"group-id": own}, outbound=True) if own else []:
        if rule.source == group.id and not tags.ours(target, rule.tags):
            yield removal(f"security-group rule {rule.id}", rule.revocation(), note=f"{rule}, which others made")


def _log(target: Target, of_function: bool) -> Iterator[Change]:
    """The log group, which Lambda may have made anew, without tags."""
    found = role.describe_log_group(target)
    if found and (of_function or tags.ours(target, found.tags)):
        yield rds.inventory.log_removal(names.log_group(target), rds.inventory.PROTECTED if found.protected else "")


def _role(target: Target, name: str) -> Iterator[Change]:
    """It goes last, since Lambda removes the network interfaces with its rights."""
    found = role.describe(target)
    if found and tags.ours(target, found.tags):
        policy, itself = roles.deletion(name, role.POLICY)
        calls = (policy, itself) if found.policy else (itself,)
        yield removal(f"role {name}", *calls, kept=dependents.of_role(target, name, role.POLICY))
