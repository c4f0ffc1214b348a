"""STS: who has signed a request (the account's root user, whose key the owner has, a user, or a session), and temporary keys.

moto's that stand for their caller are the same everywhere, and it gives any role to anybody. Source: STS API Reference,
AssumeRole and GetCallerIdentity; IAM User Guide, "Session policies", "Troubleshoot IAM roles", and "IAM policy elements:
Variables and tags", the values of aws:userid.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from moto.sts.models import sts_backends

from rds_sandbox import keys, policies, service_roles, signatures
from rds_sandbox.patches import Request, action
from rds_sandbox.request_model import Refused
from rds_sandbox.tables import limits


@action("sts", "GetCallerIdentity")
def identity(request: Request) -> dict[str, str]:
    """UserId, Arn and Account; of the keys of GetSessionToken and GetFederationToken what was noted when they were issued."""
    moto, account = request.moto, request.moto.current_account
    key_id = signatures.key_id(moto.headers.get("Authorization", ""))
    if key_id in request.host.keys.sessions:
        return dict(request.host.keys.sessions[key_id].holder)
    session = sts_backends[account][moto.partition].get_assumed_role_from_access_key(key_id)
    user = request.iam.get_user_from_access_key_id(key_id)
    found = (session.user_id, session.arn) if session else (user.id, user.arn) if user else (account, None)
    return {"UserId": found[0], "Arn": found[1] or f"arn:{moto.partition}:iam::{account}:root", "Account": account}


@action("sts", "GetSessionToken", "GetFederationToken")
def issue(request: Request) -> dict[str, Any]:
    """Random keys, which count until their end."""
    expires = utcnow() + timedelta(seconds=request.parameters.get("DurationSeconds") or limits("sts")["session"])
    holder = identity(request)
    if request.name == "GetFederationToken":
        account, name = holder["Account"], request.parameters["Name"]
        arn = f"arn:{request.moto.partition}:sts::{account}:federated-user/{name}"
        holder = {"UserId": f"{account}:{name}", "Arn": arn, "Account": account}
    key = keys.made("ASIA", token=secrets.token_urlsafe(96), expires=expires, holder=holder)
    request.host.keys.sessions[key.key_id] = key
    issued = {"AccessKeyId": key.key_id, "SecretAccessKey": key.secret, "SessionToken": key.token, "Expiration": expires}
    if request.name == "GetSessionToken":
        return {"Credentials": issued}
    user = {"FederatedUserId": holder["UserId"], "Arn": holder["Arn"]}
    return {"Credentials": issued, "FederatedUser": user, "PackedPolicySize": 6}


@action("sts", "AssumeRole")
def assume(request: Request) -> dict[str, Any]:
    """A role that there is, for as long as it may be, within the policies of the session. Its tags count nowhere."""
    asked, moto = request.parameters, request.moto
    if not re.fullmatch(limits("sts")["role_arn"], asked["RoleArn"]):
        raise Refused("ValidationError", f"{asked['RoleArn']} is invalid")
    _check_tags([one["Key"].lower() for one in asked.get("Tags", ())], asked.get("TransitiveTagKeys", ()))
    iam = iam_backends[asked["RoleArn"].split(":")[4]][moto.partition]
    role = service_roles.find(iam, asked["RoleArn"])
    if role is None:
        raise Refused("AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {asked['RoleArn']}")
    duration, most = asked.get("DurationSeconds", limits("sts")["role"]), int(role.max_session_duration or limits("sts")["role"])
    if duration > most:
        raise Refused("ValidationError", f"DurationSeconds exceeds the MaxSessionDuration set for this role, {most} seconds.")
    names = moto.region, asked["RoleSessionName"], role.arn
    session = moto.backend.assume_role(*names, _policy(asked, iam), duration, asked.get("ExternalId"))
    user = {"AssumedRoleId": session.user_id, "Arn": session.arn}
    return {"Credentials": session, "AssumedRoleUser": user, "SourceIdentity": asked.get("SourceIdentity"), "PackedPolicySize": 6}


def _check_tags(keys: Sequence[str], transitive: Sequence[str]) -> None:
    if len({*keys}) < len(keys):
        raise Refused("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if {each.lower() for each in transitive} - {*keys}:
        message = "The specified transitive tag key must be included in the requested tags."
        raise Refused("InvalidParameterValue", message)


def _policy(asked: Mapping[str, Any], iam: Any) -> str:
    """All policies of a session as one, which allows what any of them allows; empty where it has none."""
    documents = [asked["Policy"]] if "Policy" in asked else []
    for each in documents:
        IAMPolicyDocumentValidator(each).validate()
    for arn in (one.get("arn", "") for one in asked.get("PolicyArns", ())):
        if arn not in iam.managed_policies:
            raise Refused("MalformedPolicyDocument", f"The policy {arn} is not in the account of the role.")
        documents += policies.current(iam.managed_policies[arn])
    found = [statement for each in documents for statement in policies.statements(each)]
    return json.dumps({"Statement": found}) if documents else ""
