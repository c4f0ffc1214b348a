"""IAM, where moto's is slow or passes something over: AWS's managed policies, boundaries of users, and simulations.

moto would read and build the 1,582 policies anew whenever IAM is emptied, for each partition.
"""

from __future__ import annotations

import copy
import functools
from types import SimpleNamespace
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import AWSManagedPolicy, IAMBackend, User, iam_backends
from moto.utilities.utils import get_partition

from rds_sandbox import authorization
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import Request, action, replaces
from rds_sandbox.policies import Call

SIMULATED = {"PolicySourceArn", "ActionNames", "ResourceArns", "ContextEntries", "MaxItems"}
STRICTEST = ("explicitDeny", "implicitDeny", "allowed")
_read = IAMBackend._init_aws_policies


@functools.cache
def _all() -> list[Any]:
    """As moto makes them for one partition; whatever changes them changes a copy."""
    first: Any = SimpleNamespace(account_id="123456789012", region_name="aws")
    return list(_read(first))


@replaces(IAMBackend, "_init_aws_policies")
def managed_policies(backend: Any) -> list[AWSManagedPolicy]:
    """Copies for an account and a partition, with versions and attachments of their own."""
    copies = [copy.copy(each) for each in _all()]
    for each in copies:
        each.account_id, each.partition = backend.account_id, get_partition(backend.region_name)
        each.versions = list(each.versions)
    return copies


@action("iam", "CreateUser", "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary")
def bound(request: Request) -> object:
    """A user's boundary is a managed policy that there is (IAM API Reference, PutUserPermissionsBoundary)."""
    asked, iam = request.parameters, iam_backends[request.moto.current_account][request.moto.partition]
    arn = asked.get("PermissionsBoundary")
    if arn and arn not in iam.managed_policies:
        raise NotFoundException(f"Scope ARN: {arn} does not exist or is not attachable.")
    if request.name == "CreateUser":
        user: User = iam.create_user(request.moto.region, asked["UserName"], asked.get("Path") or "/", asked.get("Tags"))
    else:
        user = iam.get_user(asked["UserName"])
    user.permissions_boundary_arn = arn  # type: ignore[attr-defined]
    user.permissions_boundary = arn and {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}  # type: ignore[attr-defined]
    return {"User": user} if request.name == "CreateUser" else {}


@action("iam", "ListUsers")
def listed(request: Request) -> dict[str, Any]:
    """Without their boundaries (IAM API Reference, ListUsers)."""
    asked, iam = request.parameters, iam_backends[request.moto.current_account][request.moto.partition]
    found = [copy.copy(each) for each in iam.list_users(asked.get("PathPrefix"), asked.get("Marker"), asked.get("MaxItems"))]
    for each in found:
        each.permissions_boundary = None  # type: ignore[attr-defined]
    return {"Users": found, "IsTruncated": False}


@action("iam", "SimulatePrincipalPolicy")
def simulated(request: Request) -> dict[str, Any]:
    """What the policies of a user or role say, by the evaluator of `--iam`, whether or not that is in force.

    One result for each action, the most restrictive of all resources (IAM API Reference, EvaluationResult).
    """
    asked, moto = request.parameters, request.moto
    if more := sorted(asked.keys() - SIMULATED):
        raise NotInSandbox(f"SimulatePrincipalPolicy with {', '.join(more)}")
    place = {"partition": moto.partition, "region": moto.region, "account": moto.current_account}
    iam, source = iam_backends[moto.current_account][moto.partition], asked["PolicySourceArn"]
    name = source.rpartition("/")[2]
    caller = authorization.of_user(iam, name) if ":user/" in source else authorization.of_role(iam, source)
    entries = {one["ContextKeyName"].lower(): one["ContextKeyValues"] for one in asked.get("ContextEntries") or []}
    known = {**authorization.context(place, caller, {}), "resource": ["known"], **entries}
    on = asked.get("ResourceArns") or ["*"]
    return {"EvaluationResults": [_result(caller, one, on, known) for one in asked["ActionNames"]], "IsTruncated": False}


def _result(caller: authorization.Caller, name: str, on: list[str], known: dict[str, list[str]]) -> dict[str, Any]:
    decided = {one: authorization.simulated(caller, Call(name, one, known)) for one in on}
    each = [{"EvalResourceName": one, "EvalResourceDecision": decision} for one, decision in decided.items()]
    decision = min(decided.values(), key=STRICTEST.index)
    return {"EvalActionName": name, "EvalResourceName": on[0], "EvalDecision": decision, "ResourceSpecificResults": each}
