"""IAM, where moto's is slow or passes something over: managed policies, boundaries, what is in use, who is meant, pages.

moto would read and build the 1,582 policies anew whenever IAM is emptied, for each partition.
"""

import copy
import functools
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from botocore import xform_name
from moto.core.responses import BaseResponse
from moto.core.serialize import never_return
from moto.core.utils import get_pagination_model, utcnow
from moto.iam import models
from moto.iam.exceptions import DeleteConflictException, InvalidInput, MalformedPolicyDocument, NotFoundException, ValidationError
from moto.iam.models import AWSManagedPolicy, IAMBackend, User
from moto.iam.responses import IamResponse
from moto.iam.utils import generate_access_key_id_from_account_id as identifier
from moto.utilities.utils import get_partition

from rds_sandbox import authorization, iam_changes, pages, resource_policies, resources, sessions  # noqa: F401 - they patch
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.policies import Call, statements
from rds_sandbox.tables import limits

# The lists of which moto gives all at once.
WHOLE = (
    "GetGroup", "ListAccessKeys", "ListGroupPolicies", "ListGroups", "ListGroupsForUser", "ListInstanceProfiles",
    "ListInstanceProfilesForRole", "ListRolePolicies", "ListUserPolicies", "ListUserTags", "ListUsers",
)  # fmt: skip
STRICTEST = ("explicitDeny", "implicitDeny", "allowed")
IN_USE = limits("iam")["in_use"]
BEGAN = utcnow()  # the account
_read = IAMBackend._init_aws_policies
# All lists say whether there is more (IAM API Reference, IsTruncated of each); a new role does not say when it was used.
IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER["Response.IsTruncated"] = bool
IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER["CreateRoleResponse.Role.RoleLastUsed"] = never_return


def _identify(kind: Any, prefix: str) -> None:
    """Ids as AWS's, whoever makes one of the kind."""
    make = kind.__init__

    @replaces(kind, "__init__")
    def made(self: Any, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        self.id = identifier(self.account_id, prefix, 21)


def _word(name: str, text: str) -> None:
    """The message of a look-up that finds nothing."""
    look_up = getattr(IAMBackend, name)

    @replaces(IAMBackend, name)
    def found(iam: Any, *given: Any, **named: Any) -> Any:
        try:
            return look_up(iam, *given, **named)
        except NotFoundException as error:
            raise NotFoundException(text.format(*given, *named.values())) from error


for _kind, _prefix in limits("iam")["prefixes"].items():
    _identify(getattr(models, _kind), _prefix)
for _name, _text in limits("iam")["missing"].items():
    _word(_name, _text)


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


def _boundary(request: Request) -> str | None:
    """A managed policy that there is (IAM API Reference, PutUserPermissionsBoundary); None where none is given."""
    arn: str | None = request.parameters.get("PermissionsBoundary")
    if arn and arn not in request.iam.managed_policies:
        raise NotFoundException(f"Scope ARN: {arn} does not exist or is not attachable.")
    return arn


@action("iam", "CreateRole", "PutRolePermissionsBoundary")
def bound_role(request: Request) -> object:
    """With a boundary that there is, and for whom its policy trusts (IAM API Reference, CreateRole)."""
    _boundary(request)
    if request.name == "CreateRole":
        iam_changes.require_free(request)
    document = request.parameters.get("AssumeRolePolicyDocument")
    problem = resource_policies.problem(document, request.iam) if document else ""
    if document and not problem and any({"Resource", "NotResource"} & each.keys() for each in statements(document)):
        problem = "Has prohibited field Resource."
    if problem:
        raise MalformedPolicyDocument(problem)
    return MOTO


@action("iam", "DeletePolicy")
def delete_policy(request: Request) -> object:
    """One with its default version alone, that nobody has (IAM API Reference, DeletePolicy, DeleteConflict)."""
    policy = request.iam.get_policy(request.parameters["PolicyArn"])
    if policy.attachment_count:
        raise DeleteConflictException("Cannot delete a policy attached to entities: detach it from them first.")
    if len(policy.versions) > 1:
        raise DeleteConflictException("This policy has more than one version: delete those that are not the default first.")
    return MOTO


@action("iam", "CreateUser", "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary")
def bound(request: Request) -> object:
    """The boundary of a user, which moto does not keep."""
    asked, iam, arn = request.parameters, request.iam, _boundary(request)
    if request.name == "CreateUser":
        iam_changes.require_free(request)
        user: User = iam.create_user(request.moto.region, asked["UserName"], asked.get("Path") or "/", asked.get("Tags"))
    else:
        user = iam.get_user(asked["UserName"])
    user.permissions_boundary_arn = arn  # type: ignore[attr-defined]
    return {"User": user} if request.name == "CreateUser" else {}


@replaces(IamResponse, "_get_param")
def parameter(response: Any, name: str, if_none: Any = None) -> Any:
    """Where no user is named, whoever has signed: a user, who alone has a name (IAM API Reference, UserName of each action)."""
    found = BaseResponse._get_param(response, name, if_none)
    if name != "UserName" or found or (operation := response._get_action()) not in resources.facts()["caller"]["iam"]:
        return found
    arn = sessions.identity(Request(operation, response, {}))["Arn"]
    if arn.endswith(":root"):
        raise NotInSandbox(f"{operation} of the account's root user is not in the sandbox: give UserName")
    if ":user/" not in arn:
        raise ValidationError("Must specify userName when calling with non-User credentials")
    return arn.rpartition("/")[2]


@action("iam", "GetUser")
def root(request: Request) -> object:
    """Of the root user what there is of it, as its owners report: no name, no path."""
    who = sessions.identity(request)
    if request.parameters.get("UserName") or not who["Arn"].endswith(":root"):
        return MOTO
    return {"User": {"UserId": who["UserId"], "Arn": who["Arn"], "CreateDate": BEGAN}}


@action("iam", *WHOLE)
def listed(request: Request) -> dict[str, Any]:
    """moto's answer, in pages (IAM API Reference, MaxItems and Marker); users without their boundaries (ListUsers)."""
    found, key = getattr(request.moto, xform_name(request.name))().result, get_pagination_model("iam")[request.name]["result_key"]
    marker, size = request.parameters.get("Marker"), request.parameters.get("MaxItems", limits("iam")["page"])
    rows = [each for each in found[key] if getattr(each, "path", "/").startswith(request.parameters.get("PathPrefix", "/"))]
    page, rest = pages.cut(rows, marker, size, ValidationError("Invalid Marker: take it from the answer before."))
    if key == "Users":
        page = [copy.copy(each) for each in page]
        for each in page:
            each.permissions_boundary_arn = None
    return {**found, key: page, "IsTruncated": rest is not None, "Marker": rest}


@action("iam", "AttachRolePolicy", "AttachUserPolicy")
def attached(request: Request) -> object:
    """What is no ARN is no policy that is missing."""
    if not request.iam.policy_arn_regex.match(request.parameters["PolicyArn"]):
        raise ValidationError("Invalid ARN:  Could not be parsed!")
    return MOTO


@action("iam", *IN_USE)
def deleted(request: Request) -> object:
    """A user or group that has nothing left; moto asks after the policies of users alone."""
    iam, asked = request.iam, request.parameters
    found = iam.get_user(asked["UserName"]) if "UserName" in asked else iam.get_group(asked["GroupName"])
    for kept, remedy in IN_USE[request.name].items():
        if getattr(found, kept):
            raise DeleteConflictException(f"Cannot delete entity, must {remedy} first.")
    return MOTO


@action("iam", "CreateServiceLinkedRole")
def linked(request: Request) -> object:
    """That of RDS, of which there is one; those of other services are moto's."""
    asked, iam = request.parameters, request.iam
    known = limits("iam")["linked"].get(asked["AWSServiceName"])
    if known is None:
        return MOTO
    if "CustomSuffix" in asked:
        raise InvalidInput(f"Custom suffix is not allowed for {asked['AWSServiceName']}")
    if any(each.name == known["name"] for each in iam.get_roles()):
        why = f"Service role name {known['name']} has been taken in this account, please try a different suffix."
        raise InvalidInput(why)
    role = iam.create_service_linked_role(asked["AWSServiceName"], asked.get("Description") or known["description"], "")
    role.name = known["name"]
    iam.attach_role_policy(f"arn:{iam.partition}:iam::aws:policy/aws-service-role/{known['policy']}", role.name)
    return {"Role": role}


@action("iam", "DeleteServiceLinkedRole")
def unlinked(request: Request) -> object:
    """With the policy that is attached to it; at once, whatever needs it."""
    iam = request.iam
    role = iam.get_role(request.parameters["RoleName"])
    if not role.path.startswith("/aws-service-role/"):
        return MOTO
    for each in list(role.managed_policies.values()):
        each.detach_from(role)
    iam.delete_role(role.name)
    return {"DeletionTaskId": f"task{role.path}{role.name}/{uuid4()}"}


@action("iam", "SimulatePrincipalPolicy")
def simulated(request: Request) -> dict[str, Any]:
    """What the policies of a user or role say, by the evaluator of `--iam`, whether or not that is in force.

    One result for each action, the most restrictive of all resources (IAM API Reference, EvaluationResult).
    """
    asked, moto = request.parameters, request.moto
    place = {"partition": moto.partition, "region": moto.region, "account": moto.current_account}
    iam, source = request.iam, asked["PolicySourceArn"]
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
