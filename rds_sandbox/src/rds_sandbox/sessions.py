"""STS's temporary keys that stand for their caller: moto's are the same everywhere, and everybody knows them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow

from rds_sandbox import keys
from rds_sandbox.patches import Request, action
from rds_sandbox.tables import limits


@action("sts", "GetSessionToken", "GetFederationToken")
def issue(request: Request) -> dict[str, Any]:
    """Random keys, which count until their end."""
    expires = utcnow() + timedelta(seconds=request.parameters.get("DurationSeconds") or limits("sts")["session"])
    key = keys.made("ASIA", token=secrets.token_urlsafe(96), expires=expires)
    request.host.keys.sessions[key.key_id] = key
    issued = {"AccessKeyId": key.key_id, "SecretAccessKey": key.secret, "SessionToken": key.token, "Expiration": expires}
    if request.name == "GetSessionToken":
        return {"Credentials": issued}
    account, name = request.moto.current_account, request.parameters["Name"]
    arn = f"arn:{request.moto.partition}:sts::{account}:federated-user/{name}"
    return {"Credentials": issued, "FederatedUser": {"FederatedUserId": f"{account}:{name}", "Arn": arn}, "PackedPolicySize": 6}
