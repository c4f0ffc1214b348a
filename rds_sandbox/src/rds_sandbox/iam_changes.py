"""What changes of IAM's users, groups and roles leave as it is, where moto's forget it or do nothing; names, whatever their case.

Source: IAM API Reference, CreateUser, CreateRole, UpdateRole, UpdateGroup, CreateLoginProfile, UpdateLoginProfile, and Policy:
PermissionsBoundaryUsageCount.
"""

from typing import Any

from moto.iam import models
from moto.iam.exceptions import EntityAlreadyExists

from rds_sandbox.patches import MOTO, Request, action, replaces

NAMED = {
    "CreateGroup": ("Group", "groups"), "CreateInstanceProfile": ("InstanceProfile", "instance_profiles"),
    "CreateRole": ("Role", "roles"), "CreateUser": ("User", "users"),
}  # fmt: skip


@action("iam", "CreateGroup", "CreateInstanceProfile")
def require_free(request: Request) -> object:
    """Under a name that none of its kind has, in whatever case (CreateUser, UserName, and its like); moto knows its own words."""
    kind, there = NAMED[request.name]
    name = request.parameters[f"{kind}Name"]
    taken = {each.name.lower() for each in getattr(request.iam, there).values() if each.name != name}
    if name.lower() in taken:
        raise EntityAlreadyExists(f"{kind} with name {name} already exists.")
    return MOTO


@action("iam", "UpdateRole")
def update_role(request: Request) -> dict[str, Any]:
    asked, role = request.parameters, request.iam.get_role(request.parameters["RoleName"])
    role.description = asked.get("Description", role.description)
    role.max_session_duration = asked.get("MaxSessionDuration", role.max_session_duration)
    return {}


@action("iam", "UpdateGroup")
def move_group(request: Request) -> object:
    """By its path alone; with another name moto does both."""
    if "NewGroupName" not in request.parameters and "NewPath" in request.parameters:
        request.iam.get_group(request.parameters["GroupName"]).path = request.parameters["NewPath"]
        return {}
    return MOTO


@action("iam", "CreateLoginProfile", "UpdateLoginProfile")
def login_profile(request: Request) -> dict[str, Any]:
    asked, name, iam = request.parameters, request.moto._get_param("UserName"), request.iam
    made = request.name == "CreateLoginProfile"
    user = iam.create_login_profile(name, asked.get("Password")) if made else iam.get_login_profile(name)
    user.password = asked.get("Password", user.password)
    user.password_reset_required = asked.get("PasswordResetRequired", bool(user.password_reset_required))
    described = {"UserName": name, "CreateDate": user.create_date, "PasswordResetRequired": user.password_reset_required}
    return {"LoginProfile": described} if made else {}


@action("iam", "ListServiceSpecificCredentials")
def credentials(request: Request) -> dict[str, Any]:
    """Nobody's: none can be made in the sandbox."""
    if "UserName" in request.parameters:
        request.iam.get_user(request.parameters["UserName"])
    return {"ServiceSpecificCredentials": [], "IsTruncated": False}


def _bounds(policy: Any) -> int:
    """How many users and roles have it as their boundary."""
    iam = models.iam_backends[policy.account_id][policy.partition]
    bounded = (getattr(one, "permissions_boundary_arn", None) for one in (*iam.users.values(), *iam.roles.values()))
    return sum(arn == policy.arn for arn in bounded)


def _boundary(identity: Any) -> dict[str, str] | None:
    """As Ansible's tests of roles find it, which run on AWS; the API Reference's type is PermissionsBoundaryPolicy."""
    arn = getattr(identity, "permissions_boundary_arn", None)
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn} if arn else None


replaces(models.ManagedPolicy, "permissions_boundary_usage_count")(property(_bounds))
for _kind in (models.Role, models.User):
    replaces(_kind, "permissions_boundary")(property(_boundary))
