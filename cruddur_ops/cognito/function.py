"""The function on Lambda: its settings and its code, as wanted and as found, and who may call it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cruddur_ops import aws, progress, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change, differences
from cruddur_ops.cognito import function_network, names, role
from cruddur_ops.cognito.function_network import Network
from cruddur_ops.cognito.names import Arns
from cruddur_ops.cognito.packaging import HANDLER, Package, package
from cruddur_ops.errors import OpsError, PlanMoved
from cruddur_ops.roles import Role
from cruddur_ops.target import Target

TIMEOUT_SECONDS = 5  # Cognito waits no longer, and then calls again
MEMORY_MIB = 1024  # Lambda gives processor time in proportion: with less, the first call takes too long
STATEMENT_PREFIX = "cruddur-ops-"
AFTER_THE_POOL = "known after the user pool: apply its plan, then compute this one again"
RESTART = "sign-ups fail for some seconds"
ABSENT_CODE = "ResourceNotFoundException"
# A role that was just made is not known everywhere yet (IAM User Guide, "Troubleshoot IAM": eventually consistent). Wrong input
# has the same code, so that nothing is repeated for a role that has been there for longer.
ROLE_UNKNOWN, ROLE_SECONDS = "InvalidParameterValueException", 60.0
SETTLING_SECONDS = 600.0


@dataclass(frozen=True)
class Function:
    """A function as found."""

    configuration: Mapping[str, Any] = field(repr=False)  # as GetFunction gives it
    statements: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of its policy, by statement id
    tags: Mapping[str, str] = field(default_factory=dict)


def describe(target: Target) -> Function | None:
    """What has the name of the target's function, whoever's it is; None where there is none."""
    name = names.function_name(target)
    found = aws.find(target, "lambda", "get_function", ABSENT_CODE, FunctionName=name)
    if found is None:
        return None
    policy = aws.find(target, "lambda", "get_policy", ABSENT_CODE, FunctionName=name)
    statements = json.loads(policy["Policy"])["Statement"] if policy else []
    return Function(found["Configuration"], {one["Sid"]: one for one in statements}, found.get("Tags", {}))


def changes(
    target: Target,
    packed: Package,
    arns: Arns,
    network: Network,
    secret_arn: str,
    found: Function | None,
    own: Role | None = None,
) -> list[Change]:
    """Create the function, or update what differs in it; each change waits until Lambda has made it ready.

    Args:
        secret_arn: of what it reads; empty while that is not there.
    """
    resource = f"function {arns.name}"
    if network.instance is None or network.group is None or not secret_arn:
        note = function_network.AFTER_THE_GROUP if secret_arn and network.instance else role.AFTER_THE_SECRET
        return [Change(Action.CREATE if found is None else Action.NONE, resource, note=note)]
    wanted = _settings(packed, arns, network, secret_arn)
    if found is None:
        made = [_creation(target, resource, packed, wanted, own)]
    else:
        made = [*_configured(target, resource, wanted, found), *_coded(target, resource, packed, found)]
    settle = partial(_settle, target, arns.name)
    return [replace(change, settle=settle) for change in made or [Change(Action.NONE, resource)]]


def _settings(packed: Package, arns: Arns, network: Network, secret_arn: str) -> dict[str, Any]:
    """The wanted parameters that CreateFunction and UpdateFunctionConfiguration call by the same name."""
    assert network.instance is not None and network.group is not None
    return {
        "Runtime": packed.runtime,
        "Handler": f"{HANDLER.stem}.handler",
        "Role": arns.role,
        "Timeout": TIMEOUT_SECONDS,
        "MemorySize": MEMORY_MIB,
        "Environment": {"Variables": {"SECRET_ARN": secret_arn, **function_network.environment(network)}},
        "VpcConfig": {"SubnetIds": network.subnets(function_network.LAMBDA), "SecurityGroupIds": [network.group.id]},
    }


def _present(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The same as found."""
    attached = configuration.get("VpcConfig", {})
    lists = {name: sorted(attached.get(name, [])) for name in ("SubnetIds", "SecurityGroupIds")}
    variables = configuration.get("Environment", {}).get("Variables", {})
    return {**configuration, "VpcConfig": lists, "Environment": {"Variables": variables}}


def _creation(target: Target, resource: str, packed: Package, wanted: Mapping[str, Any], own: Role | None) -> Change:
    given = {
        "FunctionName": names.function_name(target),
        **{name: value for name, value in wanted.items() if name != "Environment"},
        "PackageType": "Zip",
        "Architectures": [packed.architecture],
        "Description": names.description(target),
        "Tags": tags.of(target),
    }
    age = (datetime.now(UTC) - own.made).total_seconds() if own and own.made else 0

    def fill() -> dict[str, Any]:
        return {"Code": _zip(target, packed), **_environment(target, wanted)}

    call = Call("lambda", "create_function", given, fill, ROLE_UNKNOWN, max(ROLE_SECONDS - age, 0))
    after = f"{MEMORY_MIB} MB, {TIMEOUT_SECONDS} s, in the instance's subnets"
    return Change(Action.CREATE, resource, after=after, calls=(call,))


def _environment(target: Target, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The variables at the moment of the call: the endpoint may have been made by a change before this one."""
    now = function_network.environment(function_network.describe(target))
    return {"Environment": {"Variables": wanted["Environment"]["Variables"] | now}}


def _configured(target: Target, resource: str, wanted: Mapping[str, Any], found: Function) -> list[Change]:
    """A change for each setting that differs; the first makes the one call for all of them."""
    differing = list(differences(resource, wanted, _present(found.configuration)))
    if not differing:
        return []
    names_of = [change.setting for change in differing]
    given = {"FunctionName": names.function_name(target), **{name: wanted[name] for name in names_of if name != "Environment"}}
    fill = partial(_environment, target, wanted) if "Environment" in names_of else None
    first, *others = (replace(change, note=RESTART if change.setting == "Runtime" else "") for change in differing)
    return [replace(first, calls=(Call("lambda", "update_function_configuration", given, fill),)), *others]


def _coded(target: Target, resource: str, packed: Package, found: Function) -> list[Change]:
    """Upload the package where its bytes are others, or the machine that they are for is another."""
    machine = found.configuration.get("Architectures", ["x86_64"])
    if found.configuration["CodeSha256"] == packed.sha256 and machine == [packed.architecture]:
        return []
    given = {"FunctionName": names.function_name(target), "Architectures": [packed.architecture]}
    call = Call("lambda", "update_function_code", given, partial(_zip, target, packed))
    before, after = found.configuration["CodeSha256"][:12], packed.sha256[:12]
    return [Change(Action.MODIFY, resource, "code", before, after, calls=(call,))]


def _zip(target: Target, planned: Package) -> dict[str, bytes]:
    """The package's bytes, if they are still those that were planned."""
    if package(target) != planned:
        raise PlanMoved("the function's files were changed since the plan was computed: compute it again")
    return {"ZipFile": planned.content}


def _settle(target: Target, name: str) -> None:
    """Wait until Lambda has made the function ready; until then it takes no further change."""

    def look() -> tuple[str, Mapping[str, Any] | None]:
        found = aws.client(target, "lambda").get_function_configuration(FunctionName=name)
        states = {found.get("State"), found.get("LastUpdateStatus")}
        if "Failed" in states:
            raise _not_ready(name, found.get("StateReason") or found.get("LastUpdateStatusReason") or "Lambda gives no reason")
        return " ".join(sorted(filter(None, states))), None if states & {"Pending", "InProgress"} else found

    progress.poll(name, look, SETTLING_SECONDS, lambda status: _not_ready(name, f"still {status}"), kept=not target.sandbox)


def _not_ready(name: str, reason: str) -> OpsError:
    return OpsError(f"{name} is not ready ({reason.rstrip('.')}): mend that, then run 05_post_confirmation_lambda again")


def permission_changes(arns: Arns, pool: Mapping[str, Any] | None, found: Function | None) -> list[Change]:
    """Let this pool, and no other that the runbook once let, call the function."""
    resource = f"permission to call {arns.name}"
    if pool is None:
        return [Change(Action.CREATE, resource, note=AFTER_THE_POOL)]
    wanted = f"{STATEMENT_PREFIX}{pool['Id']}"
    statements = found.statements if found else {}
    stale = [name for name in statements if name.startswith(STATEMENT_PREFIX) and name != wanted]
    removed = [Change(Action.DELETE, f"{resource} {name}", calls=(_removal(arns.name, name),)) for name in stale]
    if _sources(statements.get(wanted, {})) == {"aws:sourcearn": pool["Arn"]}:
        return [*removed, Change(Action.NONE, resource)]
    again = (_removal(arns.name, wanted),) if wanted in statements else ()
    given = {
        "FunctionName": arns.name,
        "StatementId": wanted,
        "Action": "lambda:InvokeFunction",
        "Principal": "cognito-idp.amazonaws.com",
        "SourceArn": pool["Arn"],
    }
    call = Call("lambda", "add_permission", given)
    return [*removed, Change(Action.CREATE, resource, after="from the user pool alone", calls=(*again, call))]


def _sources(statement: Mapping[str, Any]) -> Mapping[str, str]:
    """What a statement asks of the caller; AWS chooses operator and spelling."""
    return {key.lower(): value for given in statement.get("Condition", {}).values() for key, value in given.items()}


def _removal(name: str, statement: str) -> Call:
    return Call("lambda", "remove_permission", {"FunctionName": name, "StatementId": statement})
