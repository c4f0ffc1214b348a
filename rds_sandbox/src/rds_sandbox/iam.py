"""IAM, where moto's is slow or passes something over: AWS's managed policies, and the permissions boundaries of users.

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

from rds_sandbox.patches import Request, action, replaces

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
