"""Why the post-confirmation function does, or does not, write users: a ladder from the sign-up to the database."""

from collections.abc import Iterator, Sequence

from cruddur_ops import preflight
from cruddur_ops.change import Change
from cruddur_ops.cognito import deployment, function, function_network, pool
from cruddur_ops.cognito.deployment import Found
from cruddur_ops.diagnosis.ladder import FIRST, Ladder, Rung, climbed, decided, failed, passed, refused
from cruddur_ops.diagnosis.looking import INSTANCE, instance
from cruddur_ops.errors import OpsError
from cruddur_ops.target import Target

NAMES = (FIRST, INSTANCE, "secret", "trigger", "permission", "function", "role", "way to the secret", "security group")
NO_SECRET = ("the secret of cruddur_app is not there", "run 03_load_schema_and_seed, which makes it")
REMEDY = "run 05_post_confirmation_lambda"


def diagnose(target: Target) -> Ladder:
    """Look at each step on the way of a confirmed user: the pool, the function, its secret, the database's door."""
    return climbed(target.name, f"function of {target.name}", NAMES, _rungs(target))


def _rungs(target: Target) -> Iterator[Rung]:
    yield decided(FIRST, lambda: passed(FIRST, preflight.check(target).caller))
    try:
        found = deployment.describe(target)
    except OpsError as error:
        yield refused("function", error)
        return
    admitted, *way = function_network.access_changes(target, found.network)
    arns = found.arns
    yield as_planned("trigger", [pool.trigger_change(target, found.pool, arns.function)])
    yield as_planned("permission", function.permission_changes(arns, found.pool, found.function))
    yield of_function(found)
    yield as_planned("role", deployment.role_changes(target, found))
    yield passed("secret", "is there") if found.secret_arn else failed("secret", *NO_SECRET)
    yield as_planned("way to the secret", way)
    yield decided(INSTANCE, lambda: instance(target))
    yield as_planned("security group", [admitted])


def as_planned(name: str, changes: Sequence[Change]) -> Rung:
    """Whether nothing would be changed by the deployment's plan."""
    differing = [f"{one.resource} {one.setting}".strip() for one in changes if one.mutating]
    if differing:
        return failed(name, f"not as deployed: {', '.join(differing)}", REMEDY)
    return passed(name, ", ".join(one.note or "as deployed" for one in changes[:1]))


def of_function(found: Found) -> Rung:
    """Whether Lambda runs it, in the instance's network, with the way to its secret."""
    if found.function is None:
        return failed("function", f"there is no function {found.arns.name}", REMEDY)
    configuration, network = found.function.configuration, found.network
    states = configuration.get("State", "Active"), configuration.get("LastUpdateStatus", "Successful")
    if states != ("Active", "Successful"):
        reason = configuration.get("StateReason") or configuration.get("LastUpdateStatusReason") or "Lambda gives no reason"
        return failed("function", f"Lambda has it {' and '.join(states)}: {reason}", f"wait until it is Active, or {REMEDY}")
    if network.group is None or network.group.id not in configuration.get("VpcConfig", {}).get("SecurityGroupIds", []):
        return failed("function", "it does not stand in its security group, in the instance's VPC", REMEDY)
    variables = configuration.get("Environment", {}).get("Variables", {})
    if not function_network.environment(network).items() <= variables.items() or variables.get("SECRET_ARN") != found.secret_arn:
        return failed("function", "its variables name another secret, or another way to it", REMEDY)
    return passed("function", "Active, in the instance's VPC")
