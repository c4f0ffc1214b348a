"""The undoing of a deployment, from the trigger to the role; it needs neither the DB instance nor its secret."""

from __future__ import annotations

from cruddur_ops.calls import Call
from cruddur_ops.cognito import function, function_network, names, pool, role
from cruddur_ops.cognito.pool import Pool
from cruddur_ops.network import groups
from cruddur_ops.network.rules import MADE_HERE, Rule, rules_of
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
    changes = [
        *_pool(target, pool.describe(target)),
        *_function(target, name),
        *_network(target, name),
        *_identity(target, name),
    ]
    nothing = Change(Action.NONE, f"function {name}", note="nothing of it is there")
    return Plan(f"removal of the post-confirmation function on {target.name}", tuple(changes) or (nothing,))


def _pool(target: Target, found: Pool | None) -> list[Change]:
    """Delete the runbook's own pool; take the trigger off anybody else's."""
    if found is None:
        return []
    if pool.ours(found) and not target.user_pool_id:
        users = f"with all its users, about {found.get('EstimatedNumberOfUsers', 0)}"
        call = Call("cognito-idp", "delete_user_pool", {"UserPoolId": found["Id"]})
        return [Change(Action.DELETE, pool.resource(target), note=users, calls=(call,))]
    ours = found.get("LambdaConfig", {}).get("PostConfirmation", "").endswith(f":{names.function_name(target)}")
    change = pool.trigger_change(target, found, pool.update_members(target), "")
    return [change] if ours else []


def _function(target: Target, name: str) -> list[Change]:
    if function.describe(target) is None:
        return []
    return [Change(Action.DELETE, f"function {name}", calls=(Call("lambda", "delete_function", {"FunctionName": name}),))]


def _network(target: Target, name: str) -> list[Change]:
    """The rules that admit the function's groups, the endpoints that stand in them, and the groups themselves."""
    changes = []
    for group in groups.find(target, {"group-name": [name]}):
        changes += [_revocation(rule) for rule in _rules(target) if rule.source == group.id]
        changes += [_endpoint(one.id) for one in function_network.endpoints(target, MADE_HERE) if group.id in one.group_ids]
        given = {"GroupId": group.id}
        call = Call("ec2", "delete_security_group", given, retry_code=GROUP_USED, retry_seconds=GROUP_SECONDS)
        note = "on AWS up to 20 minutes after the function"
        changes.append(Change(Action.DELETE, f"security group {name}", note=note, calls=(call,)))
    return changes


def _rules(target: Target) -> list[Rule]:
    """The runbook's, in an order that is the same each time."""
    return sorted(rules_of(target, MADE_HERE), key=lambda rule: rule.from_port)


def _revocation(rule: Rule) -> Change:
    resource = f"security-group rule tcp {rule.from_port} for {rule.description}"
    return Change(Action.DELETE, resource, calls=(rule.revocation(),))


def _endpoint(endpoint_id: str) -> Change:
    call = Call("ec2", "delete_vpc_endpoints", {"VpcEndpointIds": [endpoint_id]})
    return Change(Action.DELETE, "VPC endpoint for Secrets Manager", calls=(call,))


def _identity(target: Target, name: str) -> list[Change]:
    """The log group, and the role with its policy: the last, since Lambda removes the network interfaces with its rights."""
    changes = []
    if role.describe_retention(target) is not None:
        log = names.log_group(target)
        call = Call("logs", "delete_log_group", {"logGroupName": log})
        changes.append(Change(Action.DELETE, f"log group {log}", calls=(call,)))
    found = role.describe(target)
    if found is not None:
        policy = Call("iam", "delete_role_policy", {"RoleName": name, "PolicyName": role.POLICY})
        removal = Call("iam", "delete_role", {"RoleName": name})
        changes.append(Change(Action.DELETE, f"role {name}", calls=(*((policy,) if found.policy else ()), removal)))
    return changes
