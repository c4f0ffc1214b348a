"""Who has signed a request, as STS names them: the account's root user, whose key the owner has, a user, or a session.

Source: STS API Reference, GetCallerIdentity; IAM User Guide, "IAM policy elements: Variables and tags", the values of aws:userid.
"""

from __future__ import annotations

from moto.sts.models import sts_backends

from rds_sandbox import signatures
from rds_sandbox.patches import Request, action


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
