"""Who may do what, where the sandbox enforces IAM (`rds-sandbox up --iam`): the policies of the user or role that signed.

The owner's key is the account's root, who may do everything. Sources: Service Authorization Reference; IAM User Guide,
"Troubleshooting access denied error messages".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moto.core.utils import get_service_model
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from rds_sandbox import policies, request_model, resources, service_roles, signatures, tables
from rds_sandbox.policies import Call
from rds_sandbox.request_model import Refused

OPEN = ("sts:GetCallerIdentity",)  # which nobody can be denied
OWN = ("sts:GetSessionToken", "sts:GetFederationToken")  # whose keys would stand for their caller
NOTHING = '{"Statement": []}'  # what a boundary allows that there is not


@dataclass(frozen=True)
class Caller:
    """Who has signed."""

    arn: str  # of the user, or of the session
    principal: str  # the ARN of the user or role
    documents: tuple[str, ...]  # the policies
    # the policies that must allow a call too, by their kinds: a permissions boundary, the policy of a session
    limits: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """What a resource's policy may call it."""
        return frozenset({"*", self.arn, self.principal})

    @property
    def account(self) -> frozenset[str]:
        """What a resource's policy calls everybody of its account."""
        _, partition, *_, account, _ = self.principal.split(":", 5)
        return frozenset({"*", account, f"arn:{partition}:iam::{account}:root"})


def require(response: Any, service: str, name: str, parameters: Mapping[str, Any], owner: str) -> None:
    """Raise Refused unless whoever signed the request may make it; all names are of botocore's model, the owner is a key id."""
    key_id = signatures.key_id(response.headers.get("Authorization", ""))
    place = {"partition": response.partition, "region": response.region, "account": response.current_account}
    facts = resources.facts()
    operation = f"{facts['prefixes'].get(service, service)}:{name}"
    action = facts["actions"].get(operation, operation)
    if not key_id or key_id == owner or action in OPEN:  # what is not signed has come here since AWS asks no signature for it
        return
    caller = _caller(key_id, place["account"], place["partition"])
    for call in _calls(action, service, parameters, place, caller):
        why = _why_not(caller, call, resources.policy(service, call.resource, place))
        if why or action in OWN:
            raise _refusal(service, caller.arn, call, why or _unallowed(call))
    if action == "sts:AssumeRole":
        role = service_roles.find(iam_backends[place["account"]][place["partition"]], parameters["RoleArn"])
        trusting = [role.assume_role_policy_document] if role else []
        if not policies.decide(trusting, call, caller.names | caller.account):
            raise _refusal(service, caller.arn, call, _unallowed(call))


def may_connect(key_id: str, instance: Any, user: str, owner: str) -> bool:
    """Whether the key's user or role may log in to a DB instance as this user of the database, by a token.

    Source: RDS User Guide, "Creating and using an IAM policy for IAM database access".
    """
    place = {"partition": get_partition(instance.region), "region": instance.region, "account": instance.account_id}
    caller = _caller(key_id, place["account"], place["partition"])
    resource = "arn:{partition}:rds-db:{region}:{account}:dbuser:".format(**place) + f"{instance.dbi_resource_id}/{user}"
    return key_id == owner or not _why_not(caller, Call("rds-db:connect", resource, context(place, caller, {})), None)


def _why_not(caller: Caller, call: Call, of_resource: str | None) -> str:
    """Why the call is refused; empty where it is allowed.

    What a resource's own policy grants is held to the limits, too, which on AWS depends on whom exactly it names. A key's
    policy comes first: where it does not name the account, those of users and roles do not count.
    """
    own = policies.decide(caller.documents, call)
    document = [of_resource] if of_resource else []
    within = {kind: policies.decide([limit], call) for kind, limit in caller.limits.items()}
    whole = policies.decide(document, call, caller.names | caller.account)
    for kind, decided in {"identity-based policy": own, "resource-based policy": whole, **within}.items():
        if decided is False:
            return f"with an explicit deny in {'an' if kind.startswith('i') else 'a'} {kind}"
    if document and call.action.startswith("kms:") and not policies.decide(document, call, caller.account):
        own = None
    if not (own or policies.decide(document, call, caller.names)):
        return _unallowed(call)
    return next((_unallowed(call, kind) for kind, decided in within.items() if not decided), "")


def simulated(caller: Caller, call: Call) -> str:
    """The decision in IAM's words, without any policy of the resource."""
    why = _why_not(caller, call, None)
    return "allowed" if not why else "explicitDeny" if "explicit" in why else "implicitDeny"


def _unallowed(call: Call, kind: str = "identity-based policy") -> str:
    return f"because no {kind} allows the {call.action} action"


def _refusal(service: str, arn: str, call: Call, why: str) -> Refused:
    what = f"User: {arn} is not authorized to perform: {call.action} on resource: {call.resource or '*'} {why}"
    what = f"You are not authorized to perform this operation. {what}" if service == "ec2" else what
    return Refused(tables.code("denied", service, get_service_model(service).protocol), what)


def _caller(key_id: str, account: str, partition: str) -> Caller:
    """The user whose key it is, or the role that was assumed; nobody else has any policies."""
    iam = iam_backends[account][partition]
    session = sts_backends[account][partition].get_assumed_role_from_access_key(key_id)
    if session:
        role = of_role(iam, session.role_arn)
        limits = {"session policy": session.policy} if session.policy else {}
        return replace(role, arn=session.arn, limits={**limits, **role.limits})
    found = iam.access_keys.get(key_id)
    if found is None:
        nobody = f"arn:{partition}:iam::{account}:unknown"
        return Caller(nobody, nobody, ())
    return of_user(iam, str(found.user_name))


def of_user(iam: Any, name: str) -> Caller:
    """With the policies of the user and of its groups; moto's NotFoundException where there is none."""
    user = iam.get_user(name)
    groups = [group for group in iam.groups.values() if user in group.users]
    documents = tuple(document for each in (user, *groups) for document in policies.documents(each))
    return Caller(user.arn, user.arn, documents, _boundary(iam, user))


def of_role(iam: Any, arn: str) -> Caller:
    """With the policies of the role; moto's NotFoundException where there is none."""
    role = iam.get_role_by_arn(arn)
    return Caller(role.arn, role.arn, tuple(policies.documents(role)), _boundary(iam, role))


def _boundary(iam: Any, identity: Any) -> dict[str, str]:
    """The permissions boundary of a user or role, where it has one."""
    arn = getattr(identity, "permissions_boundary_arn", None)
    found = policies.current(iam.managed_policies[arn]) if arn in iam.managed_policies else []
    document = next(iter(found), NOTHING)
    return {"permissions boundary": str(document)} if arn else {}


def _calls(action: str, service: str, parameters: Mapping[str, Any], place: Mapping[str, str], caller: Caller) -> Iterator[Call]:
    """The call on each of its resources, and what else it needs."""
    known = context(place, caller, dict(request_model.tags(parameters)))
    if ":user/" in caller.principal and action.partition(":")[2] in resources.facts()["caller"].get(service, ()):
        parameters = {"UserName": caller.principal, **parameters}
    on = resources.arns(action, service, parameters, place)
    yield from (Call(action, resource, {**known, **_resource_tags(service, resource, place)}) for resource in on)
    tagging, kind = resources.facts()["tagging"].get(action, ("", ""))
    tagged = [one for one in on if one and kind in one][-1:] if tagging and any(request_model.tags(parameters)) else []
    yield from (Call(tagging, one, {**known, "ec2:createaction": [action.partition(":")[2]]}) for one in tagged)
    for also in resources.facts()["also"]:
        for value in resources.given(parameters, also["parameter"]) if action in also["call"] else ():
            passed = {"iam:passedtoservice": [also["service"]]} if "service" in also else {}
            for resource in resources.beside(also, str(value), place):
                there = {**known, **_resource_tags(resource.split(":")[2], resource, place), **passed}
                yield from (Call(each, resource, there) for each in also["actions"])


def context(place: Mapping[str, str], caller: Caller, tags: Mapping[str, str]) -> dict[str, list[str]]:
    """The condition keys that do not depend on the resource; the tags are the request's."""
    return {
        "aws:requestedregion": [place["region"]], "aws:principalaccount": [place["account"]],
        "aws:principalarn": [caller.principal],
        **{f"aws:requesttag/{key.lower()}": [value] for key, value in tags.items()}, "aws:tagkeys": list(tags),
    }  # fmt: skip


def _resource_tags(service: str, resource: str | None, place: Mapping[str, str]) -> dict[str, list[str]]:
    """The tags of what there is, as condition keys; that they are known is the key "resource"."""
    tags = resources.tags(service, resource, place) if resource and resource != "*" else None
    if tags is None:
        return {}
    families = ("aws:resourcetag", f"{service}:resourcetag", *(["rds:db-tag"] if service == "rds" else []))
    return {"resource": ["known"], **{f"{family}/{key.lower()}": [value] for family in families for key, value in tags.items()}}
