"""Who may do what, where the sandbox enforces IAM (`rds-sandbox up --iam`): the policies of the user or role that signed.

The owner's key is the account's root, who may do everything. Sources: Service Authorization Reference; IAM User Guide,
"Troubleshooting access denied error messages".
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from moto.backends import get_backend
from moto.core.utils import get_service_model
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from rds_sandbox import policies, request_model, signatures
from rds_sandbox.policies import Call
from rds_sandbox.request_model import Refused

OPEN = ("sts:GetCallerIdentity",)  # which nobody can be denied
OWN = ("sts:GetSessionToken", "sts:GetFederationToken")  # whose keys would stand for their caller
TAGGED = ("rds", "ec2", "secretsmanager")  # whose resources are asked for their tags
CODES = {"ec2": "UnauthorizedOperation", "json": "AccessDeniedException"}


@dataclass(frozen=True)
class Caller:
    """Who has signed.

    Attributes:
        arn: of the user, or of the session.
        principal: the ARN of the user or role.
        documents: the policies.
        limits: the policies that must allow a call too: the permissions boundary of a role, the policy of a session.
    """

    arn: str
    principal: str
    documents: tuple[str, ...]
    limits: tuple[str, ...] = ()


@cache
def facts() -> dict[str, Any]:
    """The tables of resources.toml."""
    return tomllib.loads((files(__package__) / "resources.toml").read_text(encoding="utf-8"))


def require(response: Any, service: str, name: str, parameters: Mapping[str, Any], owner: str) -> None:
    """Raise Refused unless whoever signed the request may make it.

    Args:
        response: moto's object for the request.
        service: botocore's name of it.
        name: of the operation.
        parameters: under the names of botocore's model.
        owner: the key id of the sandbox's owner.
    """
    key_id = signatures.key_id(response.headers.get("Authorization", ""))
    place = {"partition": response.partition, "region": response.region, "account": response.current_account}
    operation = f"{facts()['prefixes'].get(service, service)}:{name}"
    action = facts()["actions"].get(operation, operation)
    if key_id == owner or action in OPEN:
        return
    caller = _caller(key_id, place["account"], place["partition"])
    for call in _calls(action, service, parameters, place, caller):
        decided = policies.decide(caller.documents, call)
        within = [policies.decide([limit], call) for limit in caller.limits]
        if not decided or not all(within) or action in OWN:
            raise _refusal(service, caller.arn, call, denied=False in (decided, *within))
    if action == "sts:AssumeRole":
        role = iam_backends[place["account"]][place["partition"]].get_role_by_arn(parameters["RoleArn"])
        if not _trusts(role, caller, place["account"]):
            raise _refusal(service, caller.arn, Call(action, role.arn), denied=False)


def _refusal(service: str, arn: str, call: Call, *, denied: bool) -> Refused:
    why = f"because no identity-based policy allows the {call.action} action"
    if denied:
        why = "with an explicit deny in an identity-based policy"
    what = f"User: {arn} is not authorized to perform: {call.action} on resource: {call.resource or '*'} {why}"
    protocol = get_service_model(service).protocol
    if protocol == "ec2":
        return Refused(CODES["ec2"], f"You are not authorized to perform this operation. {what}")
    return Refused(CODES["json"] if "json" in protocol else "AccessDenied", what)


def _caller(key_id: str, account: str, partition: str) -> Caller:
    """The user whose key it is, or the role that was assumed; nobody else has any policies."""
    iam = iam_backends[account][partition]
    session = sts_backends[account][partition].get_assumed_role_from_access_key(key_id)
    if session:
        role: Any = iam.get_role_by_arn(session.role_arn)
        boundary = getattr(role, "permissions_boundary_arn", None)
        limits = [session.policy] if session.policy else []
        limits += [_document(iam, boundary)] if boundary else []
        return Caller(session.arn, role.arn, tuple(policies.documents(role)), tuple(limits))
    found = iam.access_keys.get(key_id)
    if found is None:
        nobody = f"arn:{partition}:iam::{account}:unknown"
        return Caller(nobody, nobody, ())
    user: Any = iam.users[str(found.user_name)]
    groups = [group for group in iam.groups.values() if user in group.users]
    return Caller(user.arn, user.arn, tuple(document for each in (user, *groups) for document in policies.documents(each)))


def _trusts(role: Any, caller: Caller, account: str) -> bool:
    """Whether the role's trust policy names the caller or the account, without a condition, which is not evaluated here."""
    names = {"*", account, f"{role.arn.partition(':role/')[0]}:root", caller.principal}
    for each in policies.statements(role.assume_role_policy_document):
        principal = each.get("Principal", {})
        named = policies.listed(principal.get("AWS", []) if isinstance(principal, dict) else principal)
        allows = each["Effect"] == "Allow" and "Condition" not in each and policies.names_action(each, "sts:AssumeRole")
        if allows and names & set(named):
            return True
    return False


def _document(iam: Any, arn: str) -> str:
    return str(next(version.document for version in iam.managed_policies[arn].versions if version.is_default))


def _calls(action: str, service: str, parameters: Mapping[str, Any], place: Mapping[str, str], caller: Caller) -> Iterator[Call]:
    """The call on each of its resources, and what else it needs."""
    tags = dict(request_model.tags(parameters))
    context = {
        "aws:requestedregion": [place["region"]], "aws:principalaccount": [place["account"]],
        "aws:principalarn": [caller.principal],
        **{f"aws:requesttag/{key.lower()}": [value] for key, value in tags.items()}, "aws:tagkeys": list(tags),
    }  # fmt: skip
    for resource in _resources(action, service, parameters, place):
        yield Call(action, resource, {**context, **_resource_tags(service, resource, place)})
    for also in facts()["also"]:
        if action in also["call"] and parameters.get(also["parameter"]):
            resource = also.get("resource", str(parameters[also["parameter"]])).format(**place)
            passed = {"iam:passedtoservice": [also["service"]]} if "service" in also else {}
            yield Call(also["action"], resource, {**context, **passed})


def _resources(action: str, service: str, parameters: Mapping[str, Any], place: Mapping[str, str]) -> list[str | None]:
    region = "" if service == "iam" else place["region"]
    start = f"arn:{place['partition']}:{service}:{region}:{place['account']}:"
    found: list[str | None] = []
    for parameter, end in facts().get(service, {}).items():
        values = parameters.get(parameter) or []
        for value in [values] if isinstance(values, str) else values:
            name = value if service != "ssm" else value.lstrip("/")
            found.append(value if value.startswith("arn:") else start + end.format(name))
    if found:
        return found
    unnamed = facts()["unnamed"].get(action)
    if unnamed:
        return [start + unnamed]
    return ["*" if action.partition(":")[2].startswith(("Describe", "List")) else None]


def _resource_tags(service: str, resource: str | None, place: Mapping[str, str]) -> dict[str, list[str]]:
    """The tags of what there is, as condition keys; that they are known is the key "resource"."""
    tags = _tags(service, resource, place) if resource else None
    if tags is None:
        return {}
    families = ("aws:resourcetag", f"{service}:resourcetag", *(["rds:db-tag"] if service == "rds" else []))
    pairs = [(each["Key"], each["Value"]) for each in tags]
    return {"resource": ["known"], **{f"{family}/{key.lower()}": [value] for family in families for key, value in pairs}}


def _tags(service: str, resource: str, place: Mapping[str, str]) -> Iterable[Mapping[str, str]] | None:
    """None where a service is not asked."""
    if service not in TAGGED:
        return None
    backends: Any = get_backend(service)  # type: ignore[call-overload]
    backend, name = backends[place["account"]][place["region"]], resource.rpartition(":")[2]
    if service == "ec2":
        filters = {"resource-id": [name.rpartition("/")[2]]}
        return [{"Key": each["key"], "Value": each["value"]} for each in backend.describe_tags(filters)]
    if service == "secretsmanager":
        names = {name, name.removesuffix("-000000")}
        return next(
            (each.tags or [] for each in backend.secrets.values() if names & {each.name, each.arn.rpartition(":")[2]}), []
        )
    kinds = {"db": backend.databases, "snapshot": backend.database_snapshots, "pg": backend.db_parameter_groups}
    known = kinds.get(resource.split(":")[5], {}).get(name)
    return known.tags if known else []
