"""What a call is on, for the policies that are asked about it: the ARNs of resources, their tags, their own policies.

The tables are in resources.toml; a name is resolved to what it stands for, so that a statement on the ARN is met.
"""

import json
from collections.abc import Mapping
from typing import Any

from moto.backends import get_backend

from rds_sandbox.tables import read

TAGGED = ("rds", "ec2", "secretsmanager", "cognito-idp")  # whose resources are asked for their tags
IDENTITIES = {"UserName": "users", "RoleName": "roles", "GroupName": "groups"}  # what IAM has under paths, and asks by name

Place = Mapping[str, str]  # partition, region and account


def facts() -> dict[str, Any]:
    """The tables of resources.toml."""
    return read(__package__, "resources.toml")


def arns(action: str, service: str, parameters: Mapping[str, Any], place: Place) -> list[str | None]:
    """Those of the resources that the parameters name; None for one that is not known."""
    if service == "ec2" and action.startswith(("ec2:Describe", "ec2:Get")):
        return ["*"]
    start = f"arn:{place['partition']}:{service}:{'' if service == 'iam' else place['region']}:{place['account']}:"
    found: list[str | None] = []
    parameters = {**_default_groups(action, parameters, place), **parameters}
    for parameter, end in facts().get(service, {}).items():
        for value in given(parameters, parameter):
            name = _resolved(service, parameter, value, place)
            if service == "iam" and parameter in IDENTITIES:
                name = _path(parameter, value, place, parameters.get("Path", "/")).lstrip("/") + name
            if action == "lambda:InvokeFunction" and parameters.get("Qualifier") and name.count(":") in (0, 6):
                name += f":{parameters['Qualifier']}"  # a version or an alias is a resource of its own
            if end == "{}" and not name.startswith(("arn:", *facts()["ids"].values())):
                continue  # a parameter of this name may be something else, as that of DescribeDBParameters
            found.append(name if name.startswith("arn:") else start + end.format(name))
    made = [] if action.endswith("Ingress") and "TagSpecifications" not in parameters else facts()["made"].get(action, [])
    if found or made:
        return [*found, *(start + one for one in made)]
    unnamed = facts()["unnamed"].get(action)
    if unnamed:
        return [start + unnamed]
    return ["*" if action.partition(":")[2].startswith(("BatchGet", "Describe", "List")) else None]


def _default_groups(action: str, parameters: Mapping[str, Any], place: Place) -> dict[str, str]:
    """What an instance that is made is given where it names none; nothing where what it is made of is not there."""
    known = facts()["groups"]
    if action not in known["calls"]:
        return {}
    version, source = parameters.get("EngineVersion"), _source(parameters, place)
    if action == "rds:CreateDBInstanceReadReplica" and source:
        groups = source.option_group_name, source.parameter_group_name, source.db_subnet_group.name
        return dict(zip(known["default"], groups, strict=True))
    if action == "rds:CreateDBInstance":
        version = version or str(read("rds_sandbox.rds", "catalog.toml")["engine"]["default_major"])
    elif source:
        version = source.engine_version
    major = (version or "").partition(".")[0]
    return {name: group.format(major) for name, group in known["default"].items()} if major else {}


def _source(parameters: Mapping[str, Any], place: Place) -> Any:
    """The instance or snapshot that a request makes another of; None where there is none."""
    backend = _backend("rds", place)
    held = {"SourceDBInstanceIdentifier": backend.databases, "DBSnapshotIdentifier": backend.database_snapshots}
    wanted = {(name, str(parameters.get(name, "")).lower()) for name in held}
    every = ((name, key, one) for name, kept in held.items() for key, one in list(kept.items()))
    return next((one for name, key, one in every if {(name, key.lower()), (name, one.arn.lower())} & wanted), None)


def beside(also: Mapping[str, Any], value: str, place: Place) -> list[str]:
    """Those of what else a call needs: of a deployment, the instances that are still there."""
    if also.get("of") == "deployment":
        backend = _backend("rds", place)
        found = backend.blue_green_deployments.get(value)
        return [one.db_instance_arn for one in (found.members if found else []) if one in backend.databases.values()]
    return [also.get("resource", value).format(value=value, **place)]


def given(parameters: Any, path: str) -> list[str]:
    """The values of a parameter, or of a member of it behind a point, in lists or not; those that are there."""
    name, _, rest = path.partition(".")
    values = parameters.get(name) or []
    values = values if isinstance(values, list) else [values]
    return [one for value in values for one in given(value, rest)] if rest else [value for value in values if value]


def _resolved(service: str, path: str, value: str, place: Place) -> str:
    """The ARN, or the name, of what a value means: names of secrets, aliases of keys and parts of ARNs are taken, too."""
    if service == "secretsmanager":
        secret = _backend(service, place).secrets.get(value)
        return secret.arn if secret else value
    if service == "kms" and ":key/" not in value and "alias/" in value:
        return str(_backend(service, place).get_key_id_from_alias(value[value.index("alias/") :]) or value)
    if service == "lambda" and not value.startswith("arn:"):
        return value.rpartition("function:")[2]  # of 123456789012:function:name
    if service == "ec2":
        return facts()["ids"].get(value.partition("-")[0], "") + value if path == "Resources" else value
    return value.lstrip("/").partition(":")[0] if service == "ssm" and not value.startswith("arn:") else value


def _path(parameter: str, name: str, place: Place, made: str) -> str:
    """Where a user, role or group is; `made` where it is not there yet."""
    known = getattr(_backend("iam", {**place, "region": place["partition"]}), IDENTITIES[parameter]).values()
    return next((str(each.path) for each in known if each.name == name), made)


def tags(service: str, resource: str, place: Place) -> Mapping[str, str] | None:
    """None where a service is not asked."""
    if service not in TAGGED:
        return None
    backend = _backend(service, place)
    if service == "ec2":
        rows = backend.describe_tags({"resource-id": [resource.rpartition("/")[2]]})
        return {each["key"]: each["value"] for each in rows}
    wanted = resource.lower()
    return next((each.tags for each in backend.iter_tagged_resources() if each.arn.lower() == wanted), {})


def policy(service: str, resource: str | None, place: Place) -> str | None:
    """The document that is attached to the resource; None where it has none.

    Sources: Lambda Developer Guide, "Working with resource-based IAM policies in Lambda"; Secrets Manager User Guide,
    "Resource-based policies"; KMS Developer Guide, "Key policies in AWS KMS".
    """
    if service not in ("kms", "lambda", "secretsmanager") or resource in (None, "*"):
        return None
    backend = _backend(service, place)
    if service == "secretsmanager":
        secret = backend.secrets.get(resource)
        return secret.policy if secret else None
    if service == "kms":
        key = backend.keys.get(resource.rpartition("/")[2])
        return str(key.policy) if key else None
    found = backend.statements(resource)
    return json.dumps({"Statement": found}) if found else None


def _backend(service: str, place: Place) -> Any:
    backends: Any = get_backend(service)  # type: ignore[call-overload]
    return backends[place["account"]][place["region"]]
