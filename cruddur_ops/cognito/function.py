"""The function on Lambda: its settings and its code, as wanted and as found, and who may call it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.cognito import names, place, role
from cruddur_ops.cognito.names import Arns
from cruddur_ops.cognito.packaging import HANDLER, Package
from cruddur_ops.cognito.place import Place
from cruddur_ops.plan import Action, Change, differences

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

TIMEOUT_SECONDS = 5  # Cognito waits no longer, and then calls again
MEMORY_MIB = 512  # Lambda gives processor time in proportion: with less, the first call takes too long
STATEMENT_PREFIX = "cruddur-ops-"
AFTER_THE_POOL = "known after the user pool: apply its plan, then compute this one again"
RESTART = "sign-ups fail for some seconds"


@dataclass(frozen=True)
class Function:
    """A function as found.

    Attributes:
        configuration: as GetFunction gives it.
        statements: of its policy, by statement id.
    """

    configuration: Mapping[str, Any] = field(repr=False)
    statements: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def describe(target: Target) -> Function | None:
    """The target's function; None where there is none."""
    functions, name = aws.client(target, "lambda"), names.function_name(target)
    try:
        configuration = functions.get_function(FunctionName=name)["Configuration"]
    except functions.exceptions.ResourceNotFoundException:
        return None
    try:
        policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        policy = {"Statement": []}
    return Function(configuration, {statement["Sid"]: statement for statement in policy["Statement"]})


def settings(package: Package, arns: Arns, found: Place, secret_arn: str) -> dict[str, Any]:
    """The wanted parameters that CreateFunction and UpdateFunctionConfiguration call by the same name."""
    assert found.instance is not None and found.group is not None
    return {
        "Runtime": package.runtime,
        "Handler": f"{HANDLER.stem}.handler",
        "Role": arns.role,
        "Timeout": TIMEOUT_SECONDS,
        "MemorySize": MEMORY_MIB,
        "Environment": {"Variables": {"SECRET_ARN": secret_arn}},
        "VpcConfig": {"SubnetIds": list(found.instance.subnet_ids), "SecurityGroupIds": [found.group.id]},
    }


def present(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The same as found."""
    network = configuration.get("VpcConfig", {})
    lists = {name: sorted(network.get(name, [])) for name in ("SubnetIds", "SecurityGroupIds")}
    return {**configuration, "VpcConfig": lists, "Environment": {"Variables": _variables(configuration)}}


def _variables(configuration: Mapping[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return variables


def changes(
    target: Target, package: Package, arns: Arns, network: Place, secret_arn: str, found: Function | None
) -> list[Change]:
    """Create the function, or bring its settings and its code to what is wanted."""
    resource = f"function {arns.name}"
    if network.instance is None or network.group is None or not secret_arn:
        note = place.AFTER_THE_GROUP if secret_arn and network.instance else role.AFTER_THE_SECRET
        return [Change(Action.CREATE if found is None else Action.NONE, resource, note=note)]
    wanted = settings(package, arns, network, secret_arn)
    if found is None:
        return [_creation(target, resource, package, wanted)]
    return [*_configured(resource, arns.name, wanted, found), *_coded(resource, arns.name, package, found)] or [
        Change(Action.NONE, resource)
    ]


def _creation(target: Target, resource: str, package: Package, wanted: Mapping[str, Any]) -> Change:
    given = {
        "FunctionName": names.function_name(target),
        **wanted,
        "Code": {"ZipFile": package.reference},
        "PackageType": "Zip",
        "Architectures": [package.architecture],
        "Description": f"Writes confirmed users into the database of {target.db_instance_identifier}",
        "Tags": tags.wanted(target.owner, target.instance_days, tags.today()),
    }
    after = f"{MEMORY_MIB} MB, {TIMEOUT_SECONDS} s, in the instance's subnets"
    return Change(Action.CREATE, resource, after=after, calls=(Call("lambda", "create_function", given),))


def _configured(resource: str, name: str, wanted: Mapping[str, Any], found: Function) -> list[Change]:
    """A change for each setting that differs; the first makes the one call for all of them."""
    differing = list(differences(resource, wanted, present(found.configuration)))
    if not differing:
        return []
    given = {"FunctionName": name, **{change.setting: wanted[change.setting] for change in differing}}
    first, *others = (replace(change, note=RESTART if change.setting == "Runtime" else "") for change in differing)
    return [replace(first, calls=(Call("lambda", "update_function_configuration", given),)), *others]


def _coded(resource: str, name: str, package: Package, found: Function) -> list[Change]:
    """Upload the package where its bytes are others, or the machine that they are for is another."""
    machine = found.configuration.get("Architectures", ["x86_64"])
    if found.configuration["CodeSha256"] == package.sha256 and machine == [package.architecture]:
        return []
    given = {"FunctionName": name, "ZipFile": package.reference, "Architectures": [package.architecture]}
    call = Call("lambda", "update_function_code", given)
    before, after = found.configuration["CodeSha256"][:12], package.sha256[:12]
    return [Change(Action.MODIFY, resource, "code", before, after, calls=(call,))]


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
    call = Call("lambda", "add_permission", _permission(arns.name, wanted, pool["Arn"]))
    return [*removed, Change(Action.CREATE, resource, after="from the user pool alone", calls=(*again, call))]


def _sources(statement: Mapping[str, Any]) -> Mapping[str, str]:
    """What a statement asks of the caller; AWS chooses operator and spelling."""
    return {key.lower(): value for given in statement.get("Condition", {}).values() for key, value in given.items()}


def _permission(name: str, statement: str, pool_arn: str) -> dict[str, str]:
    return {
        "FunctionName": name,
        "StatementId": statement,
        "Action": "lambda:InvokeFunction",
        "Principal": "cognito-idp.amazonaws.com",
        "SourceArn": pool_arn,
    }


def _removal(name: str, statement: str) -> Call:
    return Call("lambda", "remove_permission", {"FunctionName": name, "StatementId": statement})
