"""The undoing of a deployment, from the trigger to the role; it needs neither the DB instance nor its secret."""

from __future__ import annotations

from collections.abc import Iterator

from cruddur_ops import tags
from cruddur_ops.calls import Call
from cruddur_ops.cognito import function, function_network, names, pool, role
from cruddur_ops.network import groups
from cruddur_ops.network.rules import MADE_HERE, rules_of
from cruddur_ops.plan import Action, Change, Plan, step
from cruddur_ops.targets import Target, require_proven

# A function's network interfaces outlive it by up to 20 minutes (Lambda Developer Guide, "Giving Lambda functions
# access to resources in an Amazon VPC"), and their security group with them.
GROUP_USED, GROUP_SECONDS = "DependencyViolation", 1800.0


@step
def plan_undeploy(target: Target) -> Plan:
    """Take away what 05_post_confirmation_lambda made; a user pool only where the runbook made that, too."""
    require_proven(target, "the removal of the post-confirmation function")
    name = names.function_name(target)
    changes = (*_pool(target, name), *_function(target, name), *_network(target, name), *_log_and_role(target, name))
    nothing = Change(Action.NONE, f"function {name}", note="nothing of it is there")
    return Plan(f"removal of the post-confirmation function on {target.name}", changes or (nothing,))


def _gone(resource: str, *calls: Call, note: str = "") -> Change:
    return Change(Action.DELETE, resource, note=note, calls=calls)


def _pool(target: Target, name: str) -> Iterator[Change]:
    """Delete the runbook's own pool; take the trigger off anybody else's."""
    found = pool.describe(target)
    if found is None:
        return
    if tags.ours(found.get("UserPoolTags", {})) and not target.user_pool_id:
        users = f"with all its users, about {found.get('EstimatedNumberOfUsers', 0)}"
        yield _gone(pool.resource(target), Call("cognito-idp", "delete_user_pool", {"UserPoolId": found["Id"]}), note=users)
    elif found.get("LambdaConfig", {}).get("PostConfirmation", "").endswith(f":{name}"):
        yield pool.trigger_change(target, found, "")


def _function(target: Target, name: str) -> Iterator[Change]:
    if function.describe(target) is not None:
        yield _gone(f"function {name}", Call("lambda", "delete_function", {"FunctionName": name}))


def _network(target: Target, name: str) -> Iterator[Change]:
    """The rules that admit the function's groups, the endpoints that stand in them, and the groups themselves."""
    for group in groups.find(target, {"group-name": [name]}):
        made = [rule for rule in rules_of(target, MADE_HERE) if rule.source == group.id]
        for rule in sorted(made, key=lambda rule: rule.from_port):
            yield _gone(f"security-group rule tcp {rule.from_port} for {rule.description}", rule.revocation())
        for one in function_network.endpoints(target, MADE_HERE):
            if group.id in one.group_ids:
                yield _gone(function_network.ENDPOINT, Call("ec2", "delete_vpc_endpoints", {"VpcEndpointIds": [one.id]}))
        given = {"GroupId": group.id}
        call = Call("ec2", "delete_security_group", given, retry_code=GROUP_USED, retry_seconds=GROUP_SECONDS)
        yield _gone(f"security group {name}", call, note="on AWS up to 20 minutes after the function")


def _log_and_role(target: Target, name: str) -> Iterator[Change]:
    """The role goes last, since Lambda removes the network interfaces with its rights."""
    if role.describe_retention(target) is not None:
        log = names.log_group(target)
        yield _gone(f"log group {log}", Call("logs", "delete_log_group", {"logGroupName": log}))
    if found := role.describe(target):
        policy = Call("iam", "delete_role_policy", {"RoleName": name, "PolicyName": role.POLICY})
        yield _gone(f"role {name}", *([policy] if found.policy else []), Call("iam", "delete_role", {"RoleName": name}))
